package deflate

import (
	"errors"
	"fmt"
	"strings"

	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/websocket/deflate"
)

// Negotiate checks both sides of the negotiation on any header. The input: a byte
// each for the two configurations, as configOf reads them, and for whether a client's
// offer stands behind; then the header, a line each line.
//
// Oracles: the model refuses the same headers, finds the server's answer right, makes
// the server's parameters of it, and as a client takes the same answers. Within them,
// what an endpoint holds is what it wants or less.
func Negotiate(data []byte) error {
	if len(data) < 3 {
		return nil
	}
	ours, theirs := configOf(data[0]), configOf(data[1])
	header := strings.Split(string(data[3:]), "\n")
	if data[2]&1 != 0 {
		header = append(header, deflate.Offer(theirs))
	}

	if err := checkOffer(deflate.Offer(theirs), theirs); err != nil {
		return err
	}
	answer, params, ok, err := deflate.Accept(header, ours)
	_, _, refused := model.Offers(header)
	var malformed *deflate.HeaderError
	if (err != nil) != (refused != nil) || errors.As(err, &malformed) != (err != nil) || ok && err != nil || !ok && (answer != "" || params != deflate.Params{}) {
		return fmt.Errorf("header %q, server: %q, %+v, %t, %w; the model: %v", header, answer, params, ok, err, refused)
	}
	if err != nil && (malformed.Header != strings.Join(header, ",") || malformed.Offset < 0 || malformed.Offset > len(malformed.Header) || malformed.Want == "") {
		return fmt.Errorf("header %q, server: the error is %+v", header, *malformed)
	}
	var lines []string
	if ok {
		lines = []string{answer}
	}
	if wrong := model.CheckAnswer(header, lines); err == nil && wrong != nil {
		return fmt.Errorf("header %q, server: %q: %w", header, answer, wrong)
	}
	if ok {
		agreed, wrong := model.Agreed(answer)
		if wrong != nil || params != paramsOf(agreed) {
			return fmt.Errorf("header %q, server: %q is %+v, not %+v, %v", header, answer, agreed, params, wrong)
		}
		if ours.ServerNoContextTakeover && !params.ServerNoContextTakeover || ours.ClientNoContextTakeover && !params.ClientNoContextTakeover ||
			params.ServerMaxWindowBits > or15(ours.ServerMaxWindowBits) || params.ClientMaxWindowBits > or15(ours.ClientMaxWindowBits) && !params.ClientNoContextTakeover {
			return fmt.Errorf("header %q, server of %+v: %q", header, ours, answer)
		}
	}

	// The same header as an answer.
	params, ok, err = deflate.Check(header, theirs)
	agreed, wrong := model.ReadAnswer([]string{deflate.Offer(theirs)}, header)
	if (err != nil) != (wrong != nil) || ok != (agreed != nil) || !ok && params != (deflate.Params{}) {
		return fmt.Errorf("header %q, client of %+v: %+v, %t, %w; the model: %+v, %v", header, theirs, params, ok, err, agreed, wrong)
	}
	if ok {
		// What the client promised, it keeps.
		want := paramsOf(*agreed)
		want.ClientNoContextTakeover = want.ClientNoContextTakeover || theirs.ClientNoContextTakeover
		want.ClientMaxWindowBits = min(want.ClientMaxWindowBits, or15(theirs.ClientMaxWindowBits))
		if params != want {
			return fmt.Errorf("header %q, client of %+v: %+v, want %+v", header, theirs, params, want)
		}
	}
	return nil
}

// checkOffer checks that an offer says what the client wants, in the fewest words.
func checkOffer(offer string, config deflate.Config) error {
	want := "permessage-deflate"
	if config.ServerNoContextTakeover {
		want += "; server_no_context_takeover"
	}
	if config.ClientNoContextTakeover {
		want += "; client_no_context_takeover"
	}
	if bits := or15(config.ServerMaxWindowBits); bits != 15 {
		want += fmt.Sprintf("; server_max_window_bits=%d", bits)
	}
	want += "; client_max_window_bits"
	if bits := or15(config.ClientMaxWindowBits); bits != 15 {
		want += fmt.Sprintf("=%d", bits)
	}
	if offer != want {
		return fmt.Errorf("client of %+v: it offers %q, want %q", config, offer, want)
	}
	return nil
}

func paramsOf(d model.Deflate) deflate.Params {
	return deflate.Params{
		ServerNoContextTakeover: d.ServerNoContextTakeover,
		ClientNoContextTakeover: d.ClientNoContextTakeover,
		ServerMaxWindowBits:     or15(d.ServerMaxWindowBits),
		ClientMaxWindowBits:     or15(d.ClientMaxWindowBits),
	}
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

// or15 returns the bits of a window: 0 stands for the largest.
func or15(bits int) int {
	if bits == 0 {
		return 15
	}
	return bits
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
	// Each byte, in a name of an extension, in that of a parameter, in a value and in quotes.
	for c := range 256 {
		for i, form := range []string{"x%cy, " + d, d + "; x%cy, " + d, d + "; server_max_window_bits=1%c, " + d, d + "; server_max_window_bits=\"1%c\", " + d, d + "%c; server_no_context_takeover"} {
			before, behind, _ := strings.Cut(form, "%c")
			seeds = append(seeds, append(append(append([]byte{byte(c * 3), byte(i * 40), 0}, before...), byte(c)), behind...))
		}
	}
	for i, header := range headers {
		for _, k := range []int{0, 7, 11} {
			seeds = append(seeds, append([]byte{byte(i * k * 5), byte(i * k * 3), byte(k) & 1}, header...))
		}
	}
	return seeds
}
