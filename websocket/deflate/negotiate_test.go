package deflate

import (
	"errors"
	"strings"
	"testing"
)

// small is a server that wants 12 bits both ways.
var small = Config{ServerMaxWindowBits: 12, ClientMaxWindowBits: 12}

// The rules of a server that reads offers. want is the parameters of the answer;
// "-" is no answer, "400" a refused handshake. Lines of offer are lines of the header.
func TestVectorsAccept(t *testing.T) {
	const d = "permessage-deflate"
	for _, c := range []struct {
		id, offer string
		config    Config
		want      string
	}{
		{"no header", "", Config{}, "-"},
		{"bare", d, Config{}, ""},
		{"all lines are one list, in order", "foo\n" + d + "; server_max_window_bits=9\n" + d, Config{}, "; server_max_window_bits=9"},
		{"another name", "x-permessage-deflate-y", Config{}, "-"},
		{"another case", "Permessage-Deflate", Config{}, "-"},
		{"another name, longer", "permessage-deflate2, permessage-deflat", Config{}, "-"},
		{"unknown extensions are passed over", `foo; a="x", bar, ` + d, Config{}, ""},
		{"unknown parameter", d + "; foo", Config{}, "-"},
		{"unknown parameter, then another offer", d + "; foo, " + d, Config{}, ""},
		{"value of server_no_context_takeover", d + "; server_no_context_takeover=1", Config{}, "-"},
		{"value of client_no_context_takeover", d + `; client_no_context_takeover="true"`, Config{}, "-"},
		{"server_max_window_bits without a value", d + "; server_max_window_bits", Config{}, "-"},
		{"server_max_window_bits=7", d + "; server_max_window_bits=7", Config{}, "-"},
		{"server_max_window_bits=16", d + "; server_max_window_bits=16", Config{}, "-"},
		{"server_max_window_bits=010", d + "; server_max_window_bits=010", Config{}, "-"},
		{"server_max_window_bits=08", d + "; server_max_window_bits=08", Config{}, "-"},
		{"server_max_window_bits=+9", d + "; server_max_window_bits=+9", Config{}, "-"},
		{"server_max_window_bits=1e1", d + "; server_max_window_bits=1e1", Config{}, "-"},
		{"server_max_window_bits=2 ** 64 + 9", d + "; server_max_window_bits=18446744073709551625", Config{}, "-"},
		{"client_max_window_bits=7", d + "; client_max_window_bits=7", Config{}, "-"},
		{"client_max_window_bits=16", d + "; client_max_window_bits=16", Config{}, "-"},
		{"client_max_window_bits=09", d + "; client_max_window_bits=09", Config{}, "-"},
		{"client_max_window_bits=-9", d + "; client_max_window_bits=-9", Config{}, "-"},
		{"a parameter twice", d + "; client_max_window_bits; client_max_window_bits", Config{}, "-"},
		{"a parameter twice, equal", d + "; server_max_window_bits=10; server_max_window_bits=10", Config{}, "-"},
		{"a parameter twice, differing", d + "; client_max_window_bits; client_max_window_bits=10", Config{}, "-"},
		{"a parameter twice, without values", d + "; server_no_context_takeover; server_no_context_takeover", Config{}, "-"},
		{"a quoted value", d + `; server_max_window_bits="10"`, Config{}, "; server_max_window_bits=10"},
		{"a quoted value with a backslash", d + `; server_max_window_bits="1\0"`, Config{}, "; server_max_window_bits=10"},
		{"the next offer is tried", d + "; server_max_window_bits=7, " + d + "; server_max_window_bits=11, " + d, Config{}, "; server_max_window_bits=11"},
		{"server_no_context_takeover", d + "; server_no_context_takeover", Config{}, "; server_no_context_takeover"},
		{"server_no_context_takeover unasked", d, Config{ServerNoContextTakeover: true}, "; server_no_context_takeover"},
		{"client_no_context_takeover is a hint", d + "; client_no_context_takeover", Config{}, ""},
		{"client_no_context_takeover unasked", d, Config{ClientNoContextTakeover: true}, "; client_no_context_takeover"},
		{"server_max_window_bits=8", d + "; server_max_window_bits=8", Config{}, "; server_max_window_bits=8"},
		{"server_max_window_bits=15", d + "; server_max_window_bits=15", Config{}, "; server_max_window_bits=15"},
		{"server_max_window_bits=15 and fewer", d + "; server_max_window_bits=15", small, "; client_no_context_takeover; server_max_window_bits=12"},
		{"server_max_window_bits=10 and more", d + "; server_max_window_bits=10; client_max_window_bits", small, "; server_max_window_bits=10; client_max_window_bits=12"},
		{"server_max_window_bits unasked", d + "; client_max_window_bits=15", small, "; server_max_window_bits=12; client_max_window_bits=12"},
		{"no client_max_window_bits in the offer", d, small, "; client_no_context_takeover; server_max_window_bits=12"},
		{"client_max_window_bits bare, none wanted", d + "; client_max_window_bits", Config{}, ""},
		{"client_max_window_bits bare", d + "; client_max_window_bits", Config{ClientMaxWindowBits: 8}, "; client_max_window_bits=8"},
		{"client_max_window_bits=10", d + "; client_max_window_bits=10", Config{}, "; client_max_window_bits=10"},
		{"client_max_window_bits=10 and fewer", d + "; client_max_window_bits=10", Config{ClientMaxWindowBits: 9}, "; client_max_window_bits=9"},
		{"client_max_window_bits=10 and more", d + "; client_max_window_bits=10", Config{ClientMaxWindowBits: 11}, "; client_max_window_bits=10"},
		{"blanks", " \t" + d + " ;\tserver_max_window_bits = 9 , foo ", Config{}, "; server_max_window_bits=9"},
		{"empty elements", ", ,\n," + d + ",", Config{}, ""},
		{
			"all of them", d + "; client_max_window_bits=9; server_no_context_takeover; server_max_window_bits=9; client_no_context_takeover",
			Config{ClientNoContextTakeover: true},
			"; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9; client_max_window_bits=9",
		},
		// As browsers do, and as the cases 13 of the Autobahn suite do.
		{"a browser", d + "; client_max_window_bits", small, "; server_max_window_bits=12; client_max_window_bits=12"},
		{"a list", d + "; client_no_context_takeover; client_max_window_bits; server_no_context_takeover; server_max_window_bits=9, " + d, Config{}, "; server_no_context_takeover; server_max_window_bits=9"},

		{"no extension in front of a parameter", "; foo, " + d, Config{}, "400"},
		{"a semicolon at the end", d + ";", Config{}, "400"},
		{"no parameter", d + ";; client_max_window_bits", Config{}, "400"},
		{"an empty value", d + "; server_max_window_bits=", Config{}, "400"},
		{"no name", d + "; =10", Config{}, "400"},
		{"two words", d + " foo", Config{}, "400"},
		{"two values", d + "; server_max_window_bits=10=11", Config{}, "400"},
		{"a slash", "foo/bar, " + d, Config{}, "400"},
		{"an open quote", d + `; server_max_window_bits="10`, Config{}, "400"},
		{"an open quote behind a backslash", d + `; server_max_window_bits="10\`, Config{}, "400"},
		{"nothing between the quotes", d + `; server_max_window_bits=""`, Config{}, "400"},
		{"no token between the quotes", d + `; server_max_window_bits="1 0"`, Config{}, "400"},
		{"more behind the quotes", d + `; server_max_window_bits="1"0`, Config{}, "400"},
		{"another byte", d + "\x80", Config{}, "400"},
	} {
		var header []string
		if c.offer != "" {
			header = strings.Split(c.offer, "\n")
		}
		answer, params, ok, err := Accept(header, c.config)
		got := strings.TrimPrefix(answer, d)
		if !ok {
			got = "-"
		}
		var malformed *HeaderError
		if errors.As(err, &malformed) && !ok && strings.Contains(err.Error(), "RFC 6455 §9.1") {
			got = "400"
		}
		if got != c.want || !ok && (answer != "" || params != Params{}) || ok && err != nil {
			t.Errorf("%s: %q: %q, %+v, %t, %v, want %q", c.id, c.offer, answer, params, ok, err, c.want)
		}
		if !ok {
			continue
		}
		// What the answer says is what holds.
		list, err := parse([]string{answer})
		if err != nil || len(list) != 1 || list[0].name != Name {
			t.Fatalf("%s: the answer %q: %v", c.id, answer, err)
		}
		el, wrong := read(&list[0])
		if wrong != nil {
			t.Fatalf("%s: the answer %q: %v", c.id, answer, wrong)
		}
		or15 := func(n int) int {
			if n == 0 {
				return 15
			}
			return n
		}
		if want := (Params{el.serverNoContextTakeover, el.clientNoContextTakeover, or15(el.serverMaxWindowBits), or15(el.clientMaxWindowBits)}); params != want {
			t.Errorf("%s: the answer is %q, the parameters are %+v", c.id, answer, params)
		}
	}
}

func TestOffer(t *testing.T) {
	for _, c := range []struct {
		config Config
		want   string
	}{
		{Config{}, "permessage-deflate; client_max_window_bits"},
		{small, "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12"},
		{Config{true, true, 15, 15}, "permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits"},
		{Config{true, false, 8, 0}, "permessage-deflate; server_no_context_takeover; server_max_window_bits=8; client_max_window_bits"},
	} {
		if got := Offer(c.config); got != c.want {
			t.Errorf("%+v: %q, want %q", c.config, got, c.want)
		}
	}
}

// The rules of a client that reads the answer: a failed handshake names a rule.
func TestVectorsCheck(t *testing.T) {
	const d = "permessage-deflate"
	full := Params{ServerMaxWindowBits: 15, ClientMaxWindowBits: 15}
	with := func(change func(*Params)) Params {
		p := full
		change(&p)
		return p
	}
	for _, c := range []struct {
		id, answer string
		config     Config
		want       Params
		err        error
	}{
		{"an extension that was not offered", "foo", Config{}, Params{}, ErrNotOffered},
		{"one more", d + ", foo", Config{}, Params{}, ErrNotOffered},
		{"twice", d + ", " + d, Config{}, Params{}, ErrExtensionTwice},
		{"twice, over two lines", d + "\n" + d, Config{}, Params{}, ErrExtensionTwice},
		{"unknown parameter", d + "; foo", Config{}, Params{}, ErrParameterUnknown},
		{"server_max_window_bits=16", d + "; server_max_window_bits=16", Config{}, Params{}, ErrParameterValue},
		{"server_max_window_bits=20", d + "; server_max_window_bits=20", Config{}, Params{}, ErrParameterValue},
		{"server_max_window_bits without a value", d + "; server_max_window_bits", Config{}, Params{}, ErrParameterValue},
		{"client_max_window_bits without a value", d + "; client_max_window_bits", Config{}, Params{}, ErrParameterValue},
		{"client_max_window_bits=7", d + "; client_max_window_bits=7", Config{}, Params{}, ErrParameterValue},
		{"client_max_window_bits=010", d + "; client_max_window_bits=010", Config{}, Params{}, ErrParameterValue},
		{"server_no_context_takeover with a value", d + "; server_no_context_takeover=1", Config{}, Params{}, ErrParameterValue},
		{"client_no_context_takeover with a value", d + "; client_no_context_takeover=true", Config{}, Params{}, ErrParameterValue},
		{"a parameter twice", d + "; server_no_context_takeover; server_no_context_takeover", Config{}, Params{}, ErrParameterTwice},
		{"server_no_context_takeover was asked for", d, Config{ServerNoContextTakeover: true}, Params{}, ErrNotGranted},
		{"server_max_window_bits was asked for", d, small, Params{}, ErrNotGranted},
		{"server_max_window_bits was asked for, a larger one is answered", d + "; server_max_window_bits=13", small, Params{}, ErrNotGranted},
		{"client_max_window_bits beyond the offer", d + "; server_max_window_bits=12; client_max_window_bits=13", small, Params{}, ErrNotOffered},

		{"no header", "-", Config{}, Params{}, nil},
		{"nothing in it", "", Config{ServerNoContextTakeover: true}, Params{}, nil},
		{"bare", d, Config{}, full, nil},
		{"client_no_context_takeover is obeyed", d + "; client_no_context_takeover", Config{}, with(func(p *Params) { p.ClientNoContextTakeover = true }), nil},
		{"client_no_context_takeover was a promise", d, Config{ClientNoContextTakeover: true}, with(func(p *Params) { p.ClientNoContextTakeover = true }), nil},
		{"client_max_window_bits is obeyed", d + "; client_max_window_bits=9", Config{}, with(func(p *Params) { p.ClientMaxWindowBits = 9 }), nil},
		{"client_max_window_bits was a promise", d, Config{ClientMaxWindowBits: 9}, with(func(p *Params) { p.ClientMaxWindowBits = 9 }), nil},
		{"client_max_window_bits=15", d + "; client_max_window_bits=15", Config{}, full, nil},
		{"server_max_window_bits unasked", d + "; server_max_window_bits=8", Config{}, with(func(p *Params) { p.ServerMaxWindowBits = 8 }), nil},
		{"server_max_window_bits as asked", d + "; server_max_window_bits=12", small, Params{ServerMaxWindowBits: 12, ClientMaxWindowBits: 12}, nil},
		{"server_max_window_bits below", d + `; server_max_window_bits="9"; client_max_window_bits="\10"`, small, Params{ServerMaxWindowBits: 9, ClientMaxWindowBits: 10}, nil},
		{"server_no_context_takeover unasked", d + ";server_no_context_takeover", Config{}, with(func(p *Params) { p.ServerNoContextTakeover = true }), nil},
	} {
		var header []string
		if c.answer != "-" {
			header = strings.Split(c.answer, "\n")
		}
		params, ok, err := Check(header, c.config)
		if params != c.want || !errors.Is(err, c.err) || ok != (c.want != Params{}) {
			t.Errorf("%s: %q: %+v, %t, %v, want %+v, %v", c.id, c.answer, params, ok, err, c.want, c.err)
		}
		var wrong *AnswerError
		if err != nil && (!errors.As(err, &wrong) || !strings.Contains(c.answer+serverMaxWindowBits+serverNoContextTakeover, wrong.Part)) {
			t.Errorf("%s: %v does not say what is wrong", c.id, err)
		}
	}
	var malformed *HeaderError
	if _, ok, err := Check([]string{d + ";"}, Config{}); ok || !errors.As(err, &malformed) || malformed.Offset != len(d)+1 {
		t.Errorf("a semicolon at the end: %t, %v", ok, err)
	}
}

// A client of ours takes every answer that a server of ours gives it.
func TestAcceptAndCheck(t *testing.T) {
	configs := func(yield func(Config) bool) {
		for i := range 4 {
			for _, server := range []int{0, 8, 9, 12, 15} {
				for _, client := range []int{0, 8, 9, 12, 15} {
					if !yield(Config{i&1 != 0, i&2 != 0, server, client}) {
						return
					}
				}
			}
		}
	}
	for client := range configs {
		for server := range configs {
			answer, accepted, ok, err := Accept([]string{Offer(client)}, server)
			if err != nil || !ok {
				t.Fatalf("%q: %t, %v", Offer(client), ok, err)
			}
			checked, ok, err := Check([]string{answer}, client)
			if err != nil || !ok {
				t.Fatalf("%q, answered by %q: %t, %v", Offer(client), answer, ok, err)
			}
			// The client may keep to more than the server asked for.
			accepted.ClientNoContextTakeover = accepted.ClientNoContextTakeover || client.ClientNoContextTakeover
			if checked != accepted {
				t.Fatalf("%q, answered by %q: the client has %+v, the server %+v", Offer(client), answer, checked, accepted)
			}
		}
	}
}

func TestSides(t *testing.T) {
	p := Params{ServerNoContextTakeover: true, ServerMaxWindowBits: 9, ClientMaxWindowBits: 11}
	c, d := p.Server(Best)
	if c.bits != 9 || c.takeover || c.level != Best || d.history.bits != 11 || !d.history.takeover {
		t.Errorf("the server of %+v has %+v and %+v", p, c, d)
	}
	c, d = p.Client(Fast)
	if c.bits != 11 || !c.takeover || c.level != Fast || d.history.bits != 9 || d.history.takeover {
		t.Errorf("the client of %+v has %+v and %+v", p, c, d)
	}
}

func TestNoSuchWindow(t *testing.T) {
	for _, bits := range []int{-1, 7, 16} {
		for i, f := range []func(){
			func() { NewCompressor(bits, true, Fast) },
			func() { NewDecompressor(bits, true) },
			func() { Offer(Config{ServerMaxWindowBits: bits}) },
			func() { _, _, _, _ = Accept(nil, Config{ClientMaxWindowBits: bits}) },
		} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("%d bits, function %d: no panic", bits, i)
					}
				}()
				f()
			}()
		}
	}
}
