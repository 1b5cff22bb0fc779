package serve

import "unicode/utf8"

var errUTF8 = &CloseError{Code: CodeBadPayload, Reason: "text is not valid UTF-8"}

// ErrTooLarge closes a connection whose peer sends a message over the limit.
var ErrTooLarge = &CloseError{Code: CodeTooLarge, Reason: "message too large"}

// checkUTF8 returns how much of b is complete runes, and whether all of b can
// be the beginning of valid UTF-8: what is left behind the complete runes is at
// most 3 bytes that more bytes may complete.
func checkUTF8(b []byte) (complete int, ok bool) {
	if utf8.Valid(b) {
		return len(b), true
	}
	// Only the last rune may be incomplete.
	i := len(b) - 1
	for back := 0; back < utf8.UTFMax-1 && i > 0 && !utf8.RuneStart(b[i]); back++ {
		i--
	}
	if !utf8.FullRune(b[i:]) && utf8.Valid(b[:i]) {
		return i, true
	}
	return 0, false
}

// A TextCheck checks a message as its bytes arrive.
type TextCheck struct{ complete int }

// More checks the message so far, of which the last bytes are new.
func (t *TextCheck) More(message []byte) error {
	n, ok := checkUTF8(message[t.complete:])
	if !ok {
		return errUTF8
	}
	t.complete += n
	return nil
}

// End checks that the complete message ends on a rune.
func (t *TextCheck) End(message []byte) error {
	if t.complete != len(message) {
		return errUTF8
	}
	return nil
}
