package protocol

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
