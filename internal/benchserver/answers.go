package benchserver

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"strconv"

	"github.com/wsproof/wsproof/internal/engine/serve"
)

// The close codes of RFC 6455 §7.4.1 that the answers use.
const (
	unsupportedData = 1003 // a message of the wrong kind
	invalidPayload  = 1007 // content that is not what the path takes
)

var (
	errNoMessages = &serve.CloseError{Code: unsupportedData, Reason: "this path takes no messages: use /plain, /json, /binary or /echo"}
	errWantText   = &serve.CloseError{Code: unsupportedData, Reason: "binary message, want text"}
	errWantBinary = &serve.CloseError{Code: unsupportedData, Reason: "text message, want binary"}
	errNotJSON    = &serve.CloseError{Code: invalidPayload, Reason: `not a JSON object such as {"number": 1}`}
	errNoNumber   = &serve.CloseError{Code: invalidPayload, Reason: `no integer of 64 bits under "number"`}
	errOver64     = &serve.CloseError{Code: invalidPayload, Reason: "the answer does not fit 64 bits"}
	errNot4Bytes  = &serve.CloseError{Code: invalidPayload, Reason: "not 4 bytes: want one little-endian 32-bit integer"}
	errOver32     = &serve.CloseError{Code: invalidPayload, Reason: "the answer does not fit 32 bits"}
)

// answers are the paths and what they answer.
var answers = []struct {
	path   string
	answer serve.Handler
}{
	{"/", serve.Echo}, // what a URL without a path is most likely to mean
	{"/connection", connection},
	{"/plain", plain},
	{"/json", jsonNumber},
	{"/binary", binaryNumber},
	{"/echo", serve.Echo},
}

// connection is for tests that only open and close.
func connection(_ []byte, _ bool, _ []byte) ([]byte, error) { return nil, errNoMessages }

// plain answers text with the same text.
func plain(_ []byte, binary bool, payload []byte) ([]byte, error) {
	if binary {
		return nil, errWantText
	}
	return serve.Echo(nil, binary, payload)
}

// step is what is added to n: it makes odd numbers even, and keeps even ones so.
func step(n int64) int64 {
	if n%2 != 0 {
		return 1
	}
	return 2
}

// jsonNumber answers {"number":n} with {"number":n+1} if n is odd, else with
// {"number":n+2}.
func jsonNumber(scratch []byte, binary bool, payload []byte) ([]byte, error) {
	if binary {
		return nil, errWantText
	}
	if reply, ok := countUp(payload); ok {
		return reply, nil
	}
	n, ok := parseNumber(payload)
	if !ok {
		var err error
		if n, err = decodeNumber(payload); err != nil {
			return nil, err
		}
	}
	if n > math.MaxInt64-step(n) {
		return nil, errOver64
	}
	reply := append(scratch[:0], `{"number":`...)
	reply = strconv.AppendInt(reply, n+step(n), 10)
	return append(reply, '}'), nil
}

// countUp is jsonNumber for what load tests send: {"number":n} with at most one
// space, before n, and n with up to 18 digits. It changes the last digits where
// they stand, in a third of the time that parsing and formatting take. It
// reports false, and leaves b alone, for everything else, valid or not, and
// where the answer has one digit more.
func countUp(b []byte) (reply []byte, ok bool) {
	const begin = `{"number":`
	end := len(b) - 1
	if end <= len(begin) || string(b[:len(begin)]) != begin || b[end] != '}' {
		return nil, false
	}
	first := len(begin)
	if b[first] == ' ' {
		first++
	}
	digits := b[first:end]
	if len(digits) == 0 || len(digits) > 18 || digits[0] == '0' && len(digits) > 1 {
		return nil, false
	}
	for _, c := range digits {
		if c-'0' > 9 {
			return nil, false
		}
	}
	last := len(digits) - 1
	if up := (digits[last] | 1) + 1; up <= '9' {
		digits[last] = up
	} else {
		carry := last - 1
		for carry >= 0 && digits[carry] == '9' {
			carry--
		}
		if carry < 0 {
			return nil, false
		}
		digits[carry]++
		for i := carry + 1; i <= last; i++ {
			digits[i] = '0'
		}
	}
	if first > len(begin) {
		b = b[1:] // without the space
		copy(b, begin)
	}
	return b, true
}

// decodeNumber is for whatever parseNumber leaves alone: encoding/json decides.
// The member's name counts letter by letter; of several with that name, the last.
func decodeNumber(payload []byte) (n int64, err error) {
	var object map[string]json.RawMessage
	if json.Unmarshal(payload, &object) != nil || object == nil {
		return 0, errNotJSON
	}
	number, ok := object["number"]
	if !ok || string(number) == "null" || json.Unmarshal(number, &n) != nil {
		return 0, errNoNumber
	}
	return n, nil
}

// parseNumber parses an object whose only member is an integer under "number",
// with JSON's white space anywhere. It reports false for everything else, valid
// or not.
func parseNumber(b []byte) (n int64, ok bool) {
	i := skipSpace(b, 0)
	const name = `"number"`
	if i >= len(b) || b[i] != '{' {
		return 0, false
	}
	i = skipSpace(b, i+1)
	if len(b)-i < len(name) || string(b[i:i+len(name)]) != name {
		return 0, false
	}
	i = skipSpace(b, i+len(name))
	if i >= len(b) || b[i] != ':' {
		return 0, false
	}
	i = skipSpace(b, i+1)
	negative := i < len(b) && b[i] == '-'
	if negative {
		i++
	}
	first := i
	for i < len(b) && '0' <= b[i] && b[i] <= '9' {
		n = n*10 + int64(b[i]-'0')
		i++
	}
	// 18 digits cannot overflow; no digit at all and leading zeros are no JSON.
	if digits := i - first; digits == 0 || digits > 18 || digits > 1 && b[first] == '0' {
		return 0, false
	}
	if negative {
		n = -n
	}
	i = skipSpace(b, i)
	if i >= len(b) || b[i] != '}' || skipSpace(b, i+1) != len(b) {
		return 0, false
	}
	return n, true
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\n' || b[i] == '\r') {
		i++
	}
	return i
}

// binaryNumber does what jsonNumber does with a little-endian 32-bit integer.
func binaryNumber(scratch []byte, isBinary bool, payload []byte) ([]byte, error) {
	if !isBinary {
		return nil, errWantBinary
	}
	if len(payload) != 4 {
		return nil, errNot4Bytes
	}
	n := int64(int32(binary.LittleEndian.Uint32(payload)))
	n += step(n)
	if n > math.MaxInt32 {
		return nil, errOver32
	}
	return binary.LittleEndian.AppendUint32(scratch[:0], uint32(n)), nil
}
