package input

import (
	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/websocket/deflate"
	"github.com/wsproof/wsproof/websocket/protocol"
)

// RuleErrors are the core's errors for the rules of the model.
var RuleErrors = map[model.Rule]error{
	model.ClientFrameUnmasked:    protocol.ErrClientFrameUnmasked,
	model.ServerFrameMasked:      protocol.ErrServerFrameMasked,
	model.RSVBitsUnsupported:     protocol.ErrRSVBitsUnsupported,
	model.OpcodeUnknown:          protocol.ErrOpcodeUnknown,
	model.ControlFrameTooLarge:   protocol.ErrControlFrameTooLarge,
	model.ControlFrameFragmented: protocol.ErrControlFrameFragmented,
	model.LengthNotMinimal:       protocol.ErrLengthNotMinimal,
	model.LengthTopBit:           protocol.ErrFrameTooLarge,
	model.FrameTooLarge:          protocol.ErrFrameTooLarge,
	model.ContinuationUnexpected: protocol.ErrContinuationUnexpected,
	model.ContinuationExpected:   protocol.ErrContinuationExpected,
	model.MessageTooLarge:        protocol.ErrMessageTooLarge,
	model.ClosePayloadInvalid:    protocol.ErrClosePayloadInvalid,
	model.CloseStatusInvalid:     protocol.ErrCloseStatusInvalid,
	model.CloseStatusReserved:    protocol.ErrCloseStatusReserved,
	model.CloseReasonNotUTF8:     protocol.ErrInvalidFramePayload,
	model.TextNotUTF8:            protocol.ErrInvalidFramePayload,
}

// RuleError is the core's error for a rule, of permessage-deflate, too.
func RuleError(rule model.Rule) error {
	switch rule {
	case model.CompressedControl, model.CompressedContinuation:
		return protocol.ErrRSVBitsUnsupported
	case model.CompressedTooLarge, model.InflatedTooLarge:
		return protocol.ErrMessageTooLarge
	case model.BlockInvalid, model.WindowExceeded, model.DistanceTooFar, model.MessageCut:
		return deflate.ErrCorrupt
	}
	return RuleErrors[rule]
}
