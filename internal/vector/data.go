package vector

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// maxData bounds what a vector may hold, in bytes: a slip in a repetition count
// should be an error, not a full memory.
const maxData = 1 << 20

// data reads annotated bytes: pairs of hexadecimal digits, strings in Go's
// syntax, groups in parentheses, each of which may be repeated with *N. A #
// begins a comment, up to the end of the line.
func data(text string) ([]byte, error) {
	s := scanner{rest: text}
	out, err := s.sequence(false)
	if err != nil {
		return nil, err
	}
	return out, nil
}

type scanner struct{ rest string }

func (s *scanner) skip() {
	for s.rest != "" {
		switch s.rest[0] {
		case ' ', '\t', '\n', '\r':
			s.rest = s.rest[1:]
		case '#':
			_, s.rest, _ = strings.Cut(s.rest, "\n")
		default:
			return
		}
	}
}

// sequence reads items up to the end, or up to the closing parenthesis.
func (s *scanner) sequence(inGroup bool) ([]byte, error) {
	var out []byte
	for {
		s.skip()
		if s.rest == "" {
			if inGroup {
				return nil, errors.New("a parenthesis is not closed")
			}
			return out, nil
		}
		if inGroup && s.rest[0] == ')' {
			s.rest = s.rest[1:]
			return out, nil
		}
		item, err := s.item()
		if err != nil {
			return nil, err
		}
		n, err := s.times()
		if err != nil {
			return nil, err
		}
		if len(item)*n > maxData || len(out)+len(item)*n > maxData {
			return nil, fmt.Errorf("over %d bytes", maxData)
		}
		out = append(out, bytes.Repeat(item, n)...)
	}
}

func (s *scanner) item() ([]byte, error) {
	switch s.rest[0] {
	case '(':
		s.rest = s.rest[1:]
		return s.sequence(true)
	case '"':
		quoted, err := strconv.QuotedPrefix(s.rest)
		if err != nil {
			return nil, fmt.Errorf("the string in %q is not closed", line(s.rest))
		}
		s.rest = s.rest[len(quoted):]
		value, err := strconv.Unquote(quoted)
		return []byte(value), err
	}
	if len(s.rest) >= 2 {
		if b, err := strconv.ParseUint(s.rest[:2], 16, 8); err == nil {
			s.rest = s.rest[2:]
			return []byte{byte(b)}, nil
		}
	}
	return nil, fmt.Errorf("want two hexadecimal digits, a string or a group, got %q", line(s.rest))
}

// times reads *N, 1 if there is none.
func (s *scanner) times() (int, error) {
	if s.rest == "" || s.rest[0] != '*' {
		return 1, nil
	}
	digits := s.rest[1:]
	end := strings.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(digits)
	}
	n, err := strconv.Atoi(digits[:end])
	if err != nil || n < 1 || n > maxData {
		return 0, fmt.Errorf("a repetition in %q: want *N with N from 1 to %d", line(s.rest), maxData)
	}
	s.rest = digits[end:]
	return n, nil
}

func line(text string) string {
	first, _, _ := strings.Cut(text, "\n")
	return first
}
