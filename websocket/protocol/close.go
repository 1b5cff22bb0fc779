package protocol

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

// CheckCloseStatus returns nil if a Close frame may carry code, or the error of the rule
// that forbids it (RFC 6455 §7.4).
func CheckCloseStatus(code StatusCode) error {
	switch {
	case code < 1000, code >= 5000:
		return ErrCloseStatusInvalid
	case code >= 3000, code >= 1007 && code <= 1014, code <= 1003:
		return nil
	}
	return ErrCloseStatusReserved
}

// ParseClose returns what a Close frame with payload says, or the error of the rule that
// it breaks (RFC 6455 §5.5.1, §7.4).
func ParseClose(payload []byte) (*CloseError, error) {
	switch len(payload) {
	case 0:
		return &CloseError{Code: StatusNoStatusRcvd}, nil
	case 1:
		return nil, ErrClosePayloadInvalid
	}
	code := StatusCode(payload[0])<<8 | StatusCode(payload[1])
	if err := CheckCloseStatus(code); err != nil {
		return nil, err
	}
	if !ValidUTF8(payload[2:]) {
		return nil, ErrInvalidFramePayload
	}
	return &CloseError{Code: code, Reason: string(payload[2:])}, nil
}
