package input

import (
	"github.com/wsproof/wsproof/internal/model"
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
