package protocol

import (
	"io"
	"strconv"
)

// errCut reports that reading ended in a part of the header of which there were
// have bytes.
func errCut(missing part, have int, cause error) error {
	var text string
	switch missing {
	case partHeader:
		text = "error reading frame header"
	case partLength2:
		text = "error reading 2-byte extended payload length"
	case partLength8:
		text = "error reading 8-byte extended payload length"
	case partKey:
		text = "error reading mask key"
	}
	return &Error{code: StatusAbnormalClose, text: text, cause: cutCause(have, cause)}
}

// errCutPayload is errCut for a payload of n bytes.
func errCutPayload(n, have int, cause error) error {
	return &Error{
		code:  StatusAbnormalClose,
		text:  "error reading " + strconv.Itoa(n) + " byte payload",
		cause: cutCause(have, cause),
	}
}

// cutCause tells an end before a part from an end inside it.
func cutCause(have int, cause error) error {
	if cause == io.EOF && have > 0 {
		return io.ErrUnexpectedEOF
	}
	return cause
}
