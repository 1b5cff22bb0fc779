package websocket

import (
	"errors"
	"strconv"
	"strings"

	"github.com/wsproof/wsproof/websocket/protocol"
)

// A HandshakeError tells why an opening handshake was refused (RFC 6455 §4).
type HandshakeError struct {
	// Status is the HTTP status: on a server the one that suits the refusal, on
	// a client the one that the server answered (0 if it answered none).
	Status int
	// Reason says what was wrong, in words that may go to the peer.
	Reason string
	// Err is the cause, where there is one.
	Err error

	hijacked bool // nothing is left to answer through
}

// Error returns the reason and the cause.
func (e *HandshakeError) Error() string {
	var b strings.Builder
	b.WriteString("websocket handshake: ")
	b.WriteString(e.Reason)
	if e.Err != nil {
		b.WriteString(": ")
		b.WriteString(e.Err.Error())
	}
	return b.String()
}

// Unwrap returns the cause, or nil.
func (e *HandshakeError) Unwrap() error { return e.Err }

// errorCode is the status code that err would close a connection with.
func errorCode(err error) StatusCode {
	var e *Error
	if errors.As(err, &e) {
		return e.Code()
	}
	var c *CloseError
	if errors.As(err, &c) {
		return c.Code
	}
	return StatusInternalError
}

func refuse(status int, reason string) *HandshakeError {
	return &HandshakeError{Status: status, Reason: reason}
}

// quote quotes what the peer sent for a message, cut to a length that suits it.
func quote(s string) string {
	const most = 64
	if len(s) > most {
		return strconv.QuoteToASCII(s[:most]) + "…"
	}
	return strconv.QuoteToASCII(s)
}

// chosenCode returns the code of the application's choice for a Close, 0 for an empty one,
// or the error of one that must not be sent (RFC 6455 §7.4).
func chosenCode(code StatusCode) (StatusCode, error) {
	if code == 0 || code == StatusNoStatusRcvd {
		return 0, nil
	}
	return code, protocol.CheckCloseStatus(code)
}

// sendable returns code, or what goes on the wire for one that must not.
func sendable(code StatusCode) StatusCode {
	switch {
	case code == StatusNoStatusRcvd:
		return StatusNormalClosure
	case protocol.CheckCloseStatus(code) != nil:
		return StatusInternalError
	}
	return code
}

// textOf is what a Close may say of err: the cause of a timeout names this side's
// address.
func textOf(err error) string {
	if e, ok := err.(*Error); ok {
		return e.Text()
	}
	return err.Error()
}
