package websocket

import (
	"io"

	"github.com/wsproof/wsproof/websocket/protocol"
)

// What has no I/O stands in package protocol, and is documented there: frames, rules,
// masking, UTF-8, Close payloads, messages. Its names are this package's, too.

// The types of package protocol.
type (
	// Mode is the role of this side of a connection: see [protocol.Mode].
	Mode = protocol.Mode
	// Opcode says what a frame's payload is: see [protocol.Opcode].
	Opcode = protocol.Opcode
	// RSVBit is a reserved bit of a frame: see [protocol.RSVBit].
	RSVBit = protocol.RSVBit
	// StatusCode tells why a connection was closed: see [protocol.StatusCode].
	StatusCode = protocol.StatusCode
	// Error is a failure of the protocol or of the transport: see [protocol.Error].
	Error = protocol.Error
	// CloseError reports the peer's Close frame: see [protocol.CloseError].
	CloseError = protocol.CloseError
	// Frame is a frame, its payload unmasked: see [protocol.Frame].
	Frame = protocol.Frame
	// FrameReader reads frame after frame into memory that it uses again: see
	// [protocol.FrameReader].
	FrameReader = protocol.FrameReader
	// MaskingKey is what a client masks a frame's payload with: see
	// [protocol.MaskingKey].
	MaskingKey = protocol.MaskingKey
	// Message is a complete message: see [protocol.Message].
	Message = protocol.Message
	// Prepared is a message that goes to many connections: see [protocol.Prepared].
	Prepared = protocol.Prepared
)

// The roles (RFC 6455 §5.1).
const (
	ServerMode = protocol.ServerMode
	ClientMode = protocol.ClientMode
)

// The opcodes of RFC 6455 §5.2.
const (
	OpcodeContinuation = protocol.OpcodeContinuation
	OpcodeText         = protocol.OpcodeText
	OpcodeBinary       = protocol.OpcodeBinary
	OpcodeClose        = protocol.OpcodeClose
	OpcodePing         = protocol.OpcodePing
	OpcodePong         = protocol.OpcodePong
)

// The reserved bits (RFC 6455 §5.2).
const (
	RSV1 = protocol.RSV1
	RSV2 = protocol.RSV2
	RSV3 = protocol.RSV3
)

// The status codes of RFC 6455 §7.4.1 and of its registry (§11.7).
const (
	StatusNormalClosure       = protocol.StatusNormalClosure
	StatusGoingAway           = protocol.StatusGoingAway
	StatusProtocolError       = protocol.StatusProtocolError
	StatusUnsupportedData     = protocol.StatusUnsupportedData
	StatusNoStatusRcvd        = protocol.StatusNoStatusRcvd
	StatusAbnormalClose       = protocol.StatusAbnormalClose
	StatusInvalidFramePayload = protocol.StatusInvalidFramePayload
	StatusPolicyViolation     = protocol.StatusPolicyViolation
	StatusTooLarge            = protocol.StatusTooLarge
	StatusMandatoryExtension  = protocol.StatusMandatoryExtension
	StatusInternalError       = protocol.StatusInternalError
	StatusServiceRestart      = protocol.StatusServiceRestart
	StatusTryAgainLater       = protocol.StatusTryAgainLater
	StatusGatewayError        = protocol.StatusGatewayError
	StatusTlSHandshake        = protocol.StatusTlSHandshake
)

// The rules that a peer can break, one error a rule, with its status code in brackets.
var (
	ErrClientFrameUnmasked    = protocol.ErrClientFrameUnmasked    // 1002, RFC 6455 §5.1
	ErrServerFrameMasked      = protocol.ErrServerFrameMasked      // 1002, §5.1
	ErrRSVBitsUnsupported     = protocol.ErrRSVBitsUnsupported     // 1002, §5.2
	ErrOpcodeUnknown          = protocol.ErrOpcodeUnknown          // 1002, §5.2
	ErrLengthNotMinimal       = protocol.ErrLengthNotMinimal       // 1002, §5.2
	ErrControlFrameFragmented = protocol.ErrControlFrameFragmented // 1002, §5.5
	ErrControlFrameTooLarge   = protocol.ErrControlFrameTooLarge   // 1002, §5.5
	ErrContinuationExpected   = protocol.ErrContinuationExpected   // 1002, §5.4
	ErrContinuationUnexpected = protocol.ErrContinuationUnexpected // 1002, §5.4
	ErrClosePayloadInvalid    = protocol.ErrClosePayloadInvalid    // 1002, §5.5.1
	ErrCloseStatusInvalid     = protocol.ErrCloseStatusInvalid     // 1002, §7.4.2
	ErrCloseStatusReserved    = protocol.ErrCloseStatusReserved    // 1002, §7.4.1, §7.4.2
	ErrInvalidFramePayload    = protocol.ErrInvalidFramePayload    // 1007, §8.1
	ErrFrameTooLarge          = protocol.ErrFrameTooLarge          // 1009, §10.4
	ErrMessageTooLarge        = protocol.ErrMessageTooLarge        // 1009, §10.4
)

// Unmasked is the zero key: frames written with it are not masked (RFC 6455 §5.1).
var Unmasked = protocol.Unmasked

// NewMaskingKey is [protocol.NewMaskingKey].
func NewMaskingKey() MaskingKey { return protocol.NewMaskingKey() }

// NewFrame is [protocol.NewFrame].
func NewFrame(opcode Opcode, fin bool, payload []byte, rsv ...RSVBit) *Frame {
	return protocol.NewFrame(opcode, fin, payload, rsv...)
}

// NewCloseFrame is [protocol.NewCloseFrame].
func NewCloseFrame(code StatusCode, reason string) *Frame {
	return protocol.NewCloseFrame(code, reason)
}

// ReadFrame is [protocol.ReadFrame]. What is not kept of its frame takes no memory here,
// either.
func ReadFrame(src io.Reader, mode Mode, maxPayloadLen int) (*Frame, error) {
	return new(Frame).Read(src, mode, maxPayloadLen)
}

// NewFrameReader is [protocol.NewFrameReader].
func NewFrameReader(src io.Reader, mode Mode, maxPayloadLen int) *FrameReader {
	return protocol.NewFrameReader(src, mode, maxPayloadLen)
}

// WriteFrame is [protocol.WriteFrame].
func WriteFrame(dst io.Writer, mask MaskingKey, frame *Frame) error {
	return protocol.WriteFrame(dst, mask, frame)
}

// MarshalFrame is [protocol.MarshalFrame].
func MarshalFrame(frame *Frame, mask MaskingKey) []byte { return protocol.MarshalFrame(frame, mask) }

// AppendFrame is [protocol.AppendFrame].
func AppendFrame(dst []byte, frame *Frame, mask MaskingKey) []byte {
	return protocol.AppendFrame(dst, frame, mask)
}

// FrameMessage is [protocol.FrameMessage].
func FrameMessage(msg *Message, frameSize int) []*Frame {
	return protocol.FrameMessage(msg, frameSize)
}

// Prepare is [protocol.Prepare].
func Prepare(msg *Message) (*Prepared, error) { return protocol.Prepare(msg) }
