package deflate

import (
	"errors"
	"fmt"
	"strings"

	"github.com/wsproof/wsproof/websocket/deflate"
)

// Negotiate checks both sides of the negotiation on any header. The input: a byte
// each for the two configurations, as configOf reads them, and for what the rest is;
// then the header, a line each line.
//
// Oracles. Plain code for RFC 6455 §9.1 takes the same headers and finds the same
// elements in them; the answer is to the first offer that plain code for RFC 7692
// §7.1 finds valid, and grants what that asks; what the server holds and what a client
// reads in the answer are the same. A client takes the answers that plain code takes.
func Negotiate(data []byte) error {
	if len(data) < 3 {
		return nil
	}
	ours, theirs := configOf(data[0]), configOf(data[1])
	header := strings.Split(string(data[3:]), "\n")
	if data[2]&1 != 0 {
		header = append(header, deflate.Offer(theirs))
	}
	elements, wellFormed := plainParse(strings.Join(header, ","))

	answer, params, ok, err := deflate.Accept(header, ours)
	var malformed *deflate.HeaderError
	if errors.As(err, &malformed) == wellFormed || (err != nil) == wellFormed {
		return fmt.Errorf("header %q, server: %w, but it is well-formed: %t", header, err, wellFormed)
	}
	if !ok && (answer != "" || params != deflate.Params{}) || ok && err != nil {
		return fmt.Errorf("header %q, server: answer %q, %+v, %w", header, answer, params, err)
	}
	var offer map[string]string
	for _, e := range elements {
		if e.name == deflate.Name && e.valid(false) {
			offer = e.params
			break
		}
	}
	if ok != (offer != nil) {
		return fmt.Errorf("header %q, server: accepted %t, but a valid offer is there: %t", header, ok, offer != nil)
	}
	if ok {
		if err := grants(answer, params, offer, ours); err != nil {
			return fmt.Errorf("header %q, %+v, server: answer %q, %+v: %w", header, ours, answer, params, err)
		}
	}

	// The same header as an answer.
	params, ok, err = deflate.Check(header, theirs)
	want := wellFormed && len(elements) == 1 && elements[0].name == deflate.Name && elements[0].valid(true) && suits(elements[0].params, theirs)
	if ok != want || (err == nil) != (want || wellFormed && len(elements) == 0) || !ok && params != (deflate.Params{}) {
		return fmt.Errorf("header %q, %+v, client: %+v, %t, %w, want %t", header, theirs, params, ok, err, want)
	}
	if ok {
		p := elements[0].params
		_, client := p["client_no_context_takeover"]
		_, server := p["server_no_context_takeover"]
		if params.ServerNoContextTakeover != server || params.ClientNoContextTakeover != (client || theirs.ClientNoContextTakeover) ||
			params.ServerMaxWindowBits != bitsOf(p["server_max_window_bits"], 15) || params.ClientMaxWindowBits != bitsOf(p["client_max_window_bits"], bitsOr15(theirs.ClientMaxWindowBits)) {
			return fmt.Errorf("header %q, %+v, client: %+v", header, theirs, params)
		}
	}
	return nil
}

// configOf makes a configuration of a byte.
func configOf(b byte) deflate.Config {
	bits := []int{0, 8, 9, 15, 12, 14, 10, 11}
	return deflate.Config{
		ServerNoContextTakeover: b&1 != 0,
		ClientNoContextTakeover: b&2 != 0,
		ServerMaxWindowBits:     bits[b>>2&7],
		ClientMaxWindowBits:     bits[b>>5&7],
	}
}

func bitsOr15(bits int) int {
	if bits == 0 {
		return 15
	}
	return bits
}

// bitsOf returns the number that a valid value stands for, or other if there is none.
func bitsOf(value string, other int) int {
	for n := 8; n <= 15; n++ {
		if value == fmt.Sprint(n) {
			return n
		}
	}
	return other
}

// grants checks an answer against the offer that it accepts.
func grants(answer string, params deflate.Params, offer map[string]string, config deflate.Config) error {
	elements, wellFormed := plainParse(answer)
	if !wellFormed || len(elements) != 1 || elements[0].name != deflate.Name || !elements[0].valid(true) {
		return errors.New("it is no valid answer")
	}
	got := elements[0].params
	_, serverNo := got["server_no_context_takeover"]
	_, clientNo := got["client_no_context_takeover"]
	server, client := bitsOf(got["server_max_window_bits"], 15), bitsOf(got["client_max_window_bits"], 15)
	if want := (deflate.Params{ServerNoContextTakeover: serverNo, ClientNoContextTakeover: clientNo, ServerMaxWindowBits: server, ClientMaxWindowBits: client}); params != want {
		return fmt.Errorf("it says %+v", want)
	}
	_, asked := offer["server_no_context_takeover"]
	if serverNo != (asked || config.ServerNoContextTakeover) {
		return errors.New("server_no_context_takeover is in it or not (RFC 7692 §7.1.1.1)")
	}
	if bits, ok := offer["server_max_window_bits"]; ok && (server > bitsOf(bits, 0) || got["server_max_window_bits"] == "") {
		return errors.New("the server's window is larger than offered (RFC 7692 §7.1.2.1)")
	}
	if server > bitsOr15(config.ServerMaxWindowBits) {
		return errors.New("the server's window is larger than configured")
	}
	_, mine := got["client_max_window_bits"]
	bits, theirs := offer["client_max_window_bits"]
	if mine && (!theirs || client > bitsOf(bits, 15)) {
		return errors.New("the client's window is not as offered (RFC 7692 §7.1.2.2)")
	}
	if config.ClientNoContextTakeover && !clientNo || !clientNo && client > bitsOr15(config.ClientMaxWindowBits) {
		return errors.New("the client's window takes more than configured")
	}
	return nil
}

// suits reports whether a client may take a valid answer to its offer (RFC 7692
// §7.1).
func suits(answer map[string]string, config deflate.Config) bool {
	_, serverNo := answer["server_no_context_takeover"]
	if config.ServerNoContextTakeover && !serverNo {
		return false
	}
	if want := bitsOr15(config.ServerMaxWindowBits); want < 15 && bitsOf(answer["server_max_window_bits"], 16) > want {
		return false
	}
	return bitsOf(answer["client_max_window_bits"], 8) <= bitsOr15(config.ClientMaxWindowBits)
}

// A plainElement is an element of the list; a value that is not there is "-".
type plainElement struct {
	name   string
	params map[string]string
	twice  bool
}

// valid reports whether the parameters are those of RFC 7692 §7.1, in an offer or in
// an answer.
func (e *plainElement) valid(answer bool) bool {
	for name, value := range e.params {
		switch name {
		case "server_no_context_takeover", "client_no_context_takeover":
			if value != "-" {
				return false
			}
		case "client_max_window_bits":
			if bitsOf(value, 0) == 0 && (answer || value != "-") {
				return false
			}
		case "server_max_window_bits":
			if bitsOf(value, 0) == 0 {
				return false
			}
		default:
			return false
		}
	}
	return !e.twice
}

// plainParse reads a header by the grammar of RFC 6455 §9.1: it makes tokens of it
// first, and looks at their order then.
func plainParse(header string) (elements []plainElement, ok bool) {
	const separators = ",;="
	type token struct {
		text   string
		quoted bool
	}
	var tokens []token
	for i := 0; i < len(header); {
		switch b := header[i]; {
		case b == ' ' || b == '\t':
			i++
		case strings.IndexByte(separators, b) >= 0:
			tokens = append(tokens, token{text: string(b)})
			i++
		case b == '"':
			var value []byte
			closed := false
			for i++; i < len(header) && !closed; i++ {
				if header[i] == '"' {
					closed = true
					continue
				}
				if header[i] == '\\' {
					if i++; i == len(header) {
						return nil, false
					}
				}
				value = append(value, header[i])
			}
			if !closed || !isToken(string(value)) {
				return nil, false
			}
			tokens = append(tokens, token{string(value), true})
		default:
			n := strings.IndexAny(header[i:], " \t,;=\"")
			if n < 0 {
				n = len(header) - i
			}
			if !isToken(header[i : i+n]) {
				return nil, false
			}
			tokens = append(tokens, token{text: header[i : i+n]})
			i += n
		}
	}
	tokens = append(tokens, token{text: ","})
	is := func(i int, separator string) bool {
		return i < len(tokens) && tokens[i] == token{text: separator}
	}
	word := func(i int) bool { return !is(i, ",") && !is(i, ";") && !is(i, "=") && i < len(tokens) }
	for i := 0; i < len(tokens); i++ {
		if is(i, ",") {
			continue
		}
		if !word(i) || tokens[i].quoted {
			return nil, false
		}
		e := plainElement{name: tokens[i].text, params: map[string]string{}}
		for i++; is(i, ";"); {
			if !word(i+1) || tokens[i+1].quoted {
				return nil, false
			}
			name, value := tokens[i+1].text, "-"
			if i += 2; is(i, "=") {
				if !word(i + 1) {
					return nil, false
				}
				value = tokens[i+1].text
				i += 2
				if value == "-" {
					value = "--" // a value, and no valid one
				}
			}
			_, before := e.params[name]
			e.twice = e.twice || before
			e.params[name] = value
		}
		if !is(i, ",") {
			return nil, false
		}
		elements = append(elements, e)
	}
	return elements, true
}

func isToken(s string) bool {
	return s != "" && strings.Trim(s, "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") == ""
}

func seedNegotiate() [][]byte {
	var seeds [][]byte
	const d = "permessage-deflate"
	headers := []string{
		"", d, "foo", d + "\n" + d, d + ", " + d, "foo; bar, " + d, "; foo, " + d, d + ";", d + "; foo", d + " foo", d + "2", "x-" + d, "Permessage-Deflate",
		d + "; server_no_context_takeover; client_no_context_takeover", d + "; server_no_context_takeover; server_no_context_takeover",
		d + "; server_no_context_takeover=1", d + "; client_no_context_takeover=\"\"", d + "; client_no_context_takeover=-", d + "; client_max_window_bits=-",
		d + "; client_no_context_takeover=server_no_context_takeover", d + ";a=\"b", d + ";a=\"\\", d + ";a=\"b c\"", d + ";\"a\"", "\"" + d + "\"", ",", ", ," + d + ",,", d + ";=8", d + ";a=b=c",
	}
	for _, name := range []string{"server_max_window_bits", "client_max_window_bits"} {
		headers = append(headers, d+"; "+name, d+"; "+name+"; "+name, d+"; "+name+"=", d+"; "+name+"=10; "+name+"=10, "+d)
		for _, value := range []string{"7", "8", "9", "10", "14", "15", "16", "010", "08", "+9", "-9", "\"12\"", "\"1\\2\"", "1 2", "18446744073709551624", "9.0", "x"} {
			headers = append(headers, d+"; "+name+"="+value, d+"; "+name+"="+value+", "+d+"; client_max_window_bits\n"+d)
		}
	}
	for i, header := range headers {
		for _, k := range []int{0, 7, 11} {
			seeds = append(seeds, append([]byte{byte(i * k * 5), byte(i * k * 3), byte(k) & 1}, header...))
		}
	}
	return seeds
}
