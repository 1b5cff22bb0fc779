package dial

import (
	"errors"
	"io"
	"unicode/utf8"
)

// ReadMessage reads a message to its end. Text is checked as it arrives; valid
// is false, and the rest unread, as soon as it cannot be UTF-8 any more.
func ReadMessage(r io.Reader, text bool) (message []byte, valid bool, err error) {
	checked := 0 // octets known to be whole characters
	message = make([]byte, 0, 4<<10)
	for {
		if len(message) == cap(message) {
			message = append(message, 0)[:len(message)]
		}
		n, err := r.Read(message[len(message):cap(message)])
		message = message[:len(message)+n]
		end := errors.Is(err, io.EOF)
		if text {
			whole, ok := wholeCharacters(message[checked:])
			checked += whole
			if !ok || (end && checked < len(message)) {
				return nil, false, nil
			}
		}
		if end {
			return message, true, nil
		}
		if err != nil {
			return nil, true, err
		}
	}
}

// wholeCharacters returns the number of octets of b up to the last one that
// ends a character, and whether what follows may still begin one.
func wholeCharacters(b []byte) (n int, ok bool) {
	if utf8.Valid(b) {
		return len(b), true
	}
	for n < len(b) && utf8.FullRune(b[n:]) {
		r, size := utf8.DecodeRune(b[n:])
		if r == utf8.RuneError && size == 1 {
			return n, false
		}
		n += size
	}
	return n, true
}
