package benchserver

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"testing"

	"github.com/wsproof/wsproof/internal/engine"
	"github.com/wsproof/wsproof/internal/engine/serve"
	"github.com/wsproof/wsproof/internal/engine/serve/servetest"
	"github.com/wsproof/wsproof/internal/wire"
)

// TestAnswers sends messages to the paths of every engine.
func TestAnswers(t *testing.T) {
	text, binary := servetest.Text, servetest.Binary
	cases := []struct {
		name  string
		path  string
		frame wire.Frame
		want  string // the answer's payload, unless code is set
		code  uint16
	}{
		{"plain", "/plain", text("number: 7"), "number: 7", 0},
		{"plain, empty", "/plain", text(""), "", 0},
		{"plain, not ASCII", "/plain", text("número: ７"), "número: ７", 0},
		{"plain, binary", "/plain", binary("number: 7"), "", 1003},
		{"plain, no UTF-8", "/plain", text("\xff"), "", 1007},

		{"json, odd", "/json", text(`{"number": 7}`), `{"number":8}`, 0},
		{"json, even", "/json", text(`{"number": 8}`), `{"number":10}`, 0},
		{"json, zero", "/json", text(`{"number":0}`), `{"number":2}`, 0},
		{"json, negative odd", "/json", text(`{"number":-3}`), `{"number":-2}`, 0},
		{"json, negative even", "/json", text(`{"number":-4}`), `{"number":-2}`, 0},
		{"json, other members", "/json", text(`{"a":[1,{"number":5}],"number":1,"b":null}`), `{"number":2}`, 0},
		{"json, the least", "/json", text(`{"number":-9223372036854775808}`), `{"number":-9223372036854775806}`, 0},
		{"json, the last odd one", "/json", text(`{"number":9223372036854775805}`), `{"number":9223372036854775806}`, 0},
		{"json, past 64 bits from odd", "/json", text(`{"number":9223372036854775807}`), "", 1007},
		{"json, past 64 bits from even", "/json", text(`{"number":9223372036854775806}`), "", 1007},
		{"json, itself past 64 bits", "/json", text(`{"number":9223372036854775808}`), "", 1007},
		{"json, fraction", "/json", text(`{"number":1.5}`), "", 1007},
		{"json, string", "/json", text(`{"number":"1"}`), "", 1007},
		{"json, null", "/json", text(`{"number":null}`), "", 1007},
		{"json, no number", "/json", text(`{}`), "", 1007},
		{"json, array", "/json", text(`[1]`), "", 1007},
		{"json, not JSON", "/json", text(`{"number": 1`), "", 1007},
		{"json, leading zero", "/json", text(`{"number": 01}`), "", 1007},
		{"json, two values", "/json", text(`{"number": 1} {}`), "", 1007},
		{"json, empty", "/json", text(""), "", 1007},
		{"json, binary", "/json", binary(`{"number": 7}`), "", 1003},

		{"binary, odd", "/binary", binary("\x07\x00\x00\x00"), "\x08\x00\x00\x00", 0},
		{"binary, even", "/binary", binary("\x00\x01\x00\x00"), "\x02\x01\x00\x00", 0},
		{"binary, minus one", "/binary", binary("\xff\xff\xff\xff"), "\x00\x00\x00\x00", 0},
		{"binary, the least", "/binary", binary("\x00\x00\x00\x80"), "\x02\x00\x00\x80", 0},
		{"binary, the last odd one", "/binary", binary("\xfd\xff\xff\x7f"), "\xfe\xff\xff\x7f", 0},
		{"binary, past 32 bits from odd", "/binary", binary("\xff\xff\xff\x7f"), "", 1007},
		{"binary, past 32 bits from even", "/binary", binary("\xfe\xff\xff\x7f"), "", 1007},
		{"binary, 3 bytes", "/binary", binary("\x01\x00\x00"), "", 1007},
		{"binary, 5 bytes", "/binary", binary("\x01\x00\x00\x00\x00"), "", 1007},
		{"binary, empty", "/binary", binary(""), "", 1007},
		{"binary, text", "/binary", text("abcd"), "", 1003},

		{"connection, a message", "/connection", text("x"), "", 1003},
		{"root, a message", "/", text("x"), "x", 0},

		{"echo, text", "/echo", text("x"), "x", 0},
		{"echo, binary", "/echo", binary("\xff"), "\xff", 0},
		{"echo, empty", "/echo", binary(""), "", 0},
	}
	each(t, func(t *testing.T, r *running) {
		for _, tc := range cases {
			t.Run(tc.name, func(t *testing.T) {
				if reason := r.lacks(engine.EmptyMessages); reason != "" && len(tc.frame.Payload) == 0 {
					t.Skip(reason)
				}
				if reason := r.lacks(engine.FailCodes); reason != "" && strings.Contains(tc.name, "UTF-8") {
					t.Skip(reason)
				}
				c := servetest.Connect(t, r.addr, tc.path)
				c.Send(tc.frame)
				if tc.code == 0 {
					c.Want(tc.frame.Opcode, tc.want)
					c.Send(servetest.CloseFrame(1000, ""))
					c.WantClose(1000)
					return
				}
				reason := c.WantClose(tc.code)
				if reason == "" && !strings.Contains(tc.name, "UTF-8") && r.lacks(engine.CloseReason) == "" {
					t.Error("the Close has no reason")
				}
			})
		}
	})
}

// TestOpenAndClose is the connection test: a clean close right after the 101.
func TestOpenAndClose(t *testing.T) {
	each(t, func(t *testing.T, r *running) {
		for _, path := range []string{"/", "/connection"} {
			c := servetest.Connect(t, r.addr, path)
			c.Send(servetest.CloseFrame(1000, ""))
			c.WantClose(1000)
		}
	})
}

// TestEchoLimits sends the longest message, and one that is a byte longer.
func TestEchoLimits(t *testing.T) {
	longest := strings.Repeat("x", 16<<20)
	each(t, func(t *testing.T, r *running) {
		c := servetest.Connect(t, r.addr, "/echo")
		go c.Send(servetest.Binary(longest)) // while reading: neither side holds it all
		c.Want(wire.Binary, longest)
		header := wire.Frame{Fin: true, Opcode: wire.Binary, Masked: true, Length: 16<<20 + 1}
		tooLong := header.AppendHeader(nil)
		if r.server.config.engine == "coder" { // it looks at the length as the bytes arrive
			tooLong = append(tooLong, longest+"x"...)
		}
		go c.Conn.Write(tooLong)
		c.WantClose(1009)
	})
}

// TestJSONNumber holds jsonNumber against encoding/json: for what is right and
// wrong in JSON, for every way to write an object, and for every carry.
func TestJSONNumber(t *testing.T) {
	for _, s := range numbers {
		sameAsJSON(t, []byte(s))
	}
	var integers []string
	for n := range 1200 {
		integers = append(integers, strconv.Itoa(n), strconv.Itoa(-n))
	}
	for power := int64(10); power > 0 && power < math.MaxInt64/10; power *= 10 {
		for d := range int64(25) {
			integers = append(integers, strconv.FormatInt(power-d, 10), strconv.FormatInt(7*power-d, 10), strconv.FormatInt(-power+d, 10))
		}
	}
	for d := range uint64(6) {
		integers = append(integers, strconv.FormatUint(math.MaxInt64-3+d, 10), "-"+strconv.FormatUint(math.MaxInt64-3+d, 10))
	}
	for _, n := range integers {
		for _, form := range []string{`{"number":%s}`, `{"number": %s}`, " {\t\"number\" :\r\n%s } ", `{"a":0,"number":%s,"b":{}}`, `{"number":%s.0}`, `{"number":0%s}`, `{"number":%s`, `{"number":"%s"}`} {
			sameAsJSON(t, fmt.Appendf(nil, form, n))
		}
	}
}

// TestShortWays checks that what load tests send takes the short ways.
func TestShortWays(t *testing.T) {
	for _, s := range []string{`{"number":0}`, `{"number": 12}`, `{"number":199}`, `{"number":899999999999999999}`} {
		if _, ok := countUp([]byte(s)); !ok {
			t.Errorf("%q is not counted up", s)
		}
	}
	for _, s := range []string{`{"number":9}`, `{"number": -1}`, "\t{ \"number\"\r:\n-5 } ", `{"number":999999999999999999}`} {
		if _, ok := parseNumber([]byte(s)); !ok {
			t.Errorf("%q is left to encoding/json", s)
		}
	}
}

var numbers = []string{
	``, ` `, `{`, `{}`, `{"number"`, `{"number":`, `{"number":}`, `{"number":1`, `{"number":1}`, `{"number": -1 } `,
	"\n{\t\"number\" :\r12}", `{"number":-}`, `{"number":00}`, `{"number":-0}`, `{"number":-01}`, `{"number":1}x`, `{"number":1}}`,
	`{"number":1,}`, `{"number":1,"number":2}`, `{"number":1,"Number":2}`, `{"number":{"number":1}}`, `{"number":[{"number":1}],"number": 3}`, `{"n\u0075mber":5}`, `{"number":1.0}`, `{"number":-1e0}`, `{"number":1E400}`, `{"number":"1"}`, `{"number":null}`, `[{"number":1}]`, `{"Number":3}`, `{"numbeR":3}`, `{"number":1e3}`, `{"number":+1}`, `{"number":0x1}`,
	`{"number":999999999999999999}`, `{"number":1000000000000000000}`, `{"number":9223372036854775807}`, `{"number":-9223372036854775808}`,
	`{"number":9223372036854775808}`, `{"number":true}`, `{"number":[1]}`, `{"x":1}`, `null`, `1`, `"number"`, `{"number":1}` + "\x00", `{"number" 1}`, `{number:1}`,
	"{\"number\":1\u00a0}", "\ufeff{\"number\":1}", `{"number":1 2}`, `{"number": 7}`, `{"number":  7}`, `{"number": }`, `{"number": 7}}`, `{"number": 07}`, `{"number": 0}`, `{"number": 123456789012345678}`, `{{"number":1}}`,
}

// sameAsJSON fails unless jsonNumber answers b as encoding/json reads it.
func sameAsJSON(t *testing.T, b []byte) {
	t.Helper()
	want, wantErr := "", error(errNotJSON)
	decoder := json.NewDecoder(bytes.NewReader(b))
	decoder.UseNumber()
	var object map[string]any
	if json.Valid(b) && decoder.Decode(&object) == nil && object != nil {
		wantErr = errNoNumber
		number, _ := object["number"].(json.Number)
		if n, err := strconv.ParseInt(number.String(), 10, 64); err == nil {
			sum := new(big.Int).Add(big.NewInt(n), big.NewInt(2-n&1))
			if wantErr = errOver64; sum.IsInt64() {
				want, wantErr = `{"number":`+sum.String()+`}`, nil
			}
		}
	}
	got, err := jsonNumber(make([]byte, 0, 64), false, bytes.Clone(b))
	if string(got) != want || err != wantErr {
		t.Errorf("%q: answered %q, %v; encoding/json: %q, %v", b, got, err, want, wantErr)
	}
}

func FuzzJSONNumber(f *testing.F) {
	for _, s := range numbers {
		f.Add([]byte(s))
	}
	f.Fuzz(sameAsJSON)
}

// TestAnswersAllocate checks that no answer costs memory.
func TestAnswersAllocate(t *testing.T) {
	scratch := make([]byte, 64)
	for _, tc := range []struct {
		name    string
		answer  serve.Handler
		binary  bool
		payload string
	}{
		{"plain", plain, false, "number: 100000"},
		{"json", jsonNumber, false, `{"number": 9223372036854775}`},
		{"binary", binaryNumber, true, "\x01\x02\x03\x04"},
		{"echo", serve.Echo, true, "x"},
	} {
		payload := make([]byte, len(tc.payload))
		if n := testing.AllocsPerRun(100, func() {
			copy(payload, tc.payload) // answers may change it
			if reply, err := tc.answer(scratch[:0], tc.binary, payload); err != nil || reply == nil {
				t.Errorf("%s: %q, %v", tc.name, reply, err)
			}
		}); n != 0 {
			t.Errorf("%s allocates %v times", tc.name, n)
		}
	}
}

func TestReasonsFit(t *testing.T) {
	for _, err := range []error{errNoMessages, errWantText, errWantBinary, errNotJSON, errNoNumber, errOver64, errNot4Bytes, errOver32} {
		var c *serve.CloseError
		if !errors.As(err, &c) || c.Reason == "" || len(c.Reason) > 123 {
			t.Errorf("%v does not fit a Close frame", err)
		}
	}
}

func BenchmarkAnswer(b *testing.B) {
	scratch := make([]byte, 64)
	for _, bc := range []struct {
		answer  serve.Handler
		path    string
		payload string
	}{
		{plain, "plain", "number: 100000"},
		{jsonNumber, "json", `{"number": 123456}`},
		{binaryNumber, "binary", "\x01\x02\x03\x04"},
	} {
		b.Run(fmt.Sprintf("path=%s", bc.path), func(b *testing.B) {
			b.ReportAllocs()
			payload := make([]byte, len(bc.payload))
			for b.Loop() {
				copy(payload, bc.payload) // answers may change it
				if _, err := bc.answer(scratch[:0], bc.path == "binary", payload); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
