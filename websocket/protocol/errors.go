package protocol

import (
	"fmt"
	"io"
)

// A StatusCode tells why a connection was closed (RFC 6455 §7.4).
type StatusCode uint16

// The status codes of RFC 6455 §7.4.1 and of its registry (§11.7).
const (
	StatusNormalClosure       StatusCode = 1000
	StatusGoingAway           StatusCode = 1001
	StatusProtocolError       StatusCode = 1002
	StatusUnsupportedData     StatusCode = 1003
	StatusNoStatusRcvd        StatusCode = 1005 // never on the wire
	StatusAbnormalClose       StatusCode = 1006 // never on the wire
	StatusInvalidFramePayload StatusCode = 1007
	StatusPolicyViolation     StatusCode = 1008
	StatusTooLarge            StatusCode = 1009
	StatusMandatoryExtension  StatusCode = 1010
	StatusInternalError       StatusCode = 1011
	StatusServiceRestart      StatusCode = 1012
	StatusTryAgainLater       StatusCode = 1013
	StatusGatewayError        StatusCode = 1014
	StatusTlSHandshake        StatusCode = 1015 // never on the wire
)

// An Error is a failure of the protocol or of the transport together with the
// status code that a Close frame would carry for it (RFC 6455 §7.4.1). Match
// it with errors.Is against the Err variables, or with errors.As.
type Error struct {
	code  StatusCode
	text  string
	cause error
}

// Code returns the status code that suits the failure. Failures of the
// transport carry StatusAbnormalClose, which never goes on the wire.
func (e *Error) Code() StatusCode { return e.code }

// Error returns the text, without the status code.
func (e *Error) Error() string {
	if e.cause == nil {
		return e.text
	}
	return e.text + ": " + e.cause.Error()
}

// Unwrap returns the cause, or nil.
func (e *Error) Unwrap() error { return e.cause }

// Text returns the text without that of the cause: what a Close frame may say, since
// causes name addresses of this side.
func (e *Error) Text() string { return e.text }

// NewError returns an Error that wraps cause, which may be nil.
func NewError(code StatusCode, text string, cause error) *Error {
	return &Error{code: code, text: text, cause: cause}
}

func newError(code StatusCode, text string) *Error { return NewError(code, text, nil) }

// The rules that a peer can break: one error a rule. The status code in
// brackets goes on the wire in the Close frame that fails the connection.
var (
	// ErrClientFrameUnmasked (1002): a client must mask every frame (RFC 6455 §5.1).
	ErrClientFrameUnmasked = newError(StatusProtocolError, "unmasked client frame")
	// ErrServerFrameMasked (1002): a server must not mask any frame (RFC 6455 §5.1).
	ErrServerFrameMasked = newError(StatusProtocolError, "masked server frame")
	// ErrRSVBitsUnsupported (1002): RSV bits are zero unless an extension gives them a meaning (RFC 6455 §5.2).
	ErrRSVBitsUnsupported = newError(StatusProtocolError, "unsupported RSV bits set")
	// ErrOpcodeUnknown (1002): opcodes 0x3 to 0x7 and 0xB to 0xF are reserved (RFC 6455 §5.2).
	ErrOpcodeUnknown = newError(StatusProtocolError, "unknown opcode")
	// ErrLengthNotMinimal (1002): the payload length takes the fewest bytes that hold it (RFC 6455 §5.2).
	ErrLengthNotMinimal = newError(StatusProtocolError, "payload length not minimally encoded")
	// ErrControlFrameFragmented (1002): control frames must not be fragmented (RFC 6455 §5.5).
	ErrControlFrameFragmented = newError(StatusProtocolError, "fragmented control frame")
	// ErrControlFrameTooLarge (1002): control frames carry at most 125 bytes (RFC 6455 §5.5).
	ErrControlFrameTooLarge = newError(StatusProtocolError, "control frame payload over 125 bytes")
	// ErrContinuationExpected (1002): a data frame began a message inside another one (RFC 6455 §5.4).
	ErrContinuationExpected = newError(StatusProtocolError, "continuation frame expected")
	// ErrContinuationUnexpected (1002): a continuation frame had no message to continue (RFC 6455 §5.4).
	ErrContinuationUnexpected = newError(StatusProtocolError, "unexpected continuation frame")
	// ErrClosePayloadInvalid (1002): a Close payload is empty or begins with a 2-byte code (RFC 6455 §5.5.1).
	ErrClosePayloadInvalid = newError(StatusProtocolError, "close frame payload of one byte")
	// ErrCloseStatusInvalid (1002): a close code below 1000 or from 5000 on (RFC 6455 §7.4.2).
	ErrCloseStatusInvalid = newError(StatusProtocolError, "close status out of range")
	// ErrCloseStatusReserved (1002): a close code that must not appear in a Close frame (RFC 6455 §7.4.1, §7.4.2).
	ErrCloseStatusReserved = newError(StatusProtocolError, "close status reserved")
	// ErrInvalidFramePayload (1007): text, or the reason of a Close, is not UTF-8 (RFC 6455 §8.1).
	ErrInvalidFramePayload = newError(StatusInvalidFramePayload, "payload is not valid UTF-8")
	// ErrFrameTooLarge (1009): a frame's payload is longer than MaxFrameSize (RFC 6455 §10.4).
	ErrFrameTooLarge = newError(StatusTooLarge, "frame too large")
	// ErrMessageTooLarge (1009): a message is longer than MaxMessageSize (RFC 6455 §10.4).
	ErrMessageTooLarge = newError(StatusTooLarge, "message too large")
)

// A CloseError reports the Close frame by which the peer ended the connection
// (RFC 6455 §5.5.1). errors.Is(err, io.EOF) holds for it, since no message
// follows; it also holds for a truncated stream, so only a *CloseError means
// that the peer closed.
type CloseError struct {
	// Code is the peer's status code; StatusNoStatusRcvd if its Close was empty.
	Code StatusCode
	// Reason is the peer's UTF-8 text, at most 123 bytes.
	Reason string
}

// Error returns code and reason in words.
func (e *CloseError) Error() string {
	if e.Reason == "" {
		return fmt.Sprintf("peer closed the connection with status %d", uint16(e.Code))
	}
	return fmt.Sprintf("peer closed the connection with status %d: %s", uint16(e.Code), e.Reason)
}

// Is makes errors.Is(err, io.EOF) hold.
func (e *CloseError) Is(target error) bool { return target == io.EOF }
