package vector

import (
	"bytes"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/wsproof/wsproof/internal/model"
)

// TestLoad wants the vectors of the project: enough of them, each with its words.
func TestLoad(t *testing.T) {
	vectors, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	written := map[string]bool{}
	for _, v := range vectors {
		name, _, _ := strings.Cut(strings.TrimPrefix(v.ID, v.Rule+"/"), "/")
		written[v.Rule+"/"+name] = true
		if v.About == "" || v.RFC == "" || v.File == "" || v.Line == 0 {
			t.Errorf("%s: words are missing: %+v", v.ID, v)
		}
	}
	if len(written) < 500 {
		t.Errorf("%d vectors are written down, want 500 at least", len(written))
	}
}

const head = "rule: sample\nrfc: 5.2\nsays: A sentence.\n"

func TestParse(t *testing.T) {
	vectors, err := Parse("sample.txt", head+`
# a comment
vector: hello, two frames
role: both
limits: frame 10 message 20
message: text "Hi"
pong: 00*2
expect: closed
code: 1001
reason: "bye" 21
offset: 16
hex: 81 02 "Hi"      # FIN Text, 2 bytes
  (89 02 00*2)
  88 06              # FIN Close, 6 bytes # of them
  03 e9 "by" (65 21)
`)
	if err != nil {
		t.Fatal(err)
	}
	if len(vectors) != 2 {
		t.Fatalf("%d vectors, want 2", len(vectors))
	}
	server, client := vectors[0], vectors[1]
	wantClient := []byte("\x81\x02Hi\x89\x02\x00\x00\x88\x06\x03\xe9bye!")
	if client.ID != "sample/hello/client" || client.Role != model.Client || !bytes.Equal(client.Input, wantClient) || client.Want.Offset != 16 {
		t.Errorf("client: %+v, want % x", client, wantClient)
	}
	wantServer := []byte("\x81\x82\x37\xfa\x21\x3d" + "\x7f\x93" +
		"\x89\x82\x37\xfa\x22\x3d" + "\x37\xfa" +
		"\x88\x86\x37\xfa\x23\x3d" + "\x34\x13\x41\x44\x52\xdb")
	if server.ID != "sample/hello/server" || server.Role != model.Server || !bytes.Equal(server.Input, wantServer) || server.Want.Offset != 16+12 {
		t.Errorf("server: %+v, want % x", server, wantServer)
	}
	if server.Limits != (model.Limits{Frame: 10, Message: 20}) || server.Where() != "sample.txt:6" {
		t.Errorf("limits %v at %s", server.Limits, server.Where())
	}
	w := server.Want
	if len(w.Messages) != 1 || string(w.Messages[0].Payload) != "Hi" || len(w.Pongs) != 1 || !bytes.Equal(w.Pongs[0], []byte{0, 0}) {
		t.Errorf("want %v", w)
	}
	if w.End != model.Closed || w.Code != 1001 || w.Reason != "bye!" || len(w.Codes) != 2 {
		t.Errorf("want %v", w)
	}
}

func TestTruncated(t *testing.T) {
	vectors, err := Parse("sample.txt", head+`
vector: cut, a message and a frame that is cut
role: both
truncated: last frame
message: text "a"
expect: open
offset: 3
hex: 81 01 "a" 81 02 "bc"
`)
	if err != nil {
		t.Fatal(err)
	}
	// The server's last frame has 8 bytes, the client's 4: all its beginnings but the empty one.
	if len(vectors) != 7+3 {
		t.Fatalf("%d vectors, want 10", len(vectors))
	}
	for _, v := range vectors {
		start := 3
		if v.Role == model.Server {
			start = 7
		}
		if len(v.Input) <= start || v.Want.Offset != start {
			t.Errorf("%s: %d bytes, offset %d, want more than %d and %d", v.ID, len(v.Input), v.Want.Offset, start, start)
		}
		if err := model.Check(v.Want, model.Read(v.Role, v.Limits, v.Input)); err != nil {
			t.Errorf("%s: %v", v.ID, err)
		}
	}
}

// TestMaskedOffset moves offsets at every place of a transcript.
func TestMaskedOffset(t *testing.T) {
	input := []byte("\x81\x01a\x82\x00\x89\x02bc\x81\x7e\x01")
	want := []int{0, 1, 6, 7, 8, 13, 14, 19, 20, 21, 22, 23, 24}
	for offset := 0; offset <= len(input); offset++ {
		_, got, err := masked(input, offset)
		if err != nil {
			t.Fatal(err)
		}
		if got != want[offset] {
			t.Errorf("offset %d of % x moves to %d, want %d", offset, input, got, want[offset])
		}
	}
}

// TestFaults wants an error that says what is wrong, and where.
func TestFaults(t *testing.T) {
	good := "\nvector: a, words\nrole: client\nexpect: open\noffset: 0\nhex: 81\n"
	for _, c := range []struct{ id, text, want string }{
		{"empty", "", "sample.txt: no vectors found: the file is empty"},
		{"only-head", head, "sample.txt: no vectors found behind the first block"},
		{"head-unknown-key", "rulez: sample\n", `sample.txt:1: unknown key "rulez" in the first block`},
		{"head-twice", "rule: sample\nrule: sample\n", "sample.txt:2: the key rule stands there twice"},
		{"head-no-value", "rule:\n", "sample.txt:1: the key rule has no value"},
		{"head-missing", "rule: sample\n" + good, "sample.txt:1: the first block needs the keys rule, rfc and says"},
		{"head-other-name", strings.Replace(head, "sample", "other", 1) + good, "sample.txt:1: rule other stands in a file called sample.txt"},
		{"unknown-key", head + strings.Replace(good, "offset: 0", "offsets: 0", 1), `sample.txt:8: unknown key "offsets": want one of breaks, code`},
		{"twice", head + good + "role: client\n", "sample.txt:10: the key role stands there twice"},
		{"no-colon", head + "\nvector a\n", `sample.txt:5: want key: value, or an indented line of bytes, got "vector a"`},
		{"indented", head + "\n  81 00\n", "sample.txt:5: an indented line that continues nothing"},
		{"no-role", head + strings.Replace(good, "role: client\n", "", 1), "sample.txt:5: the key role is missing"},
		{"no-hex", head + strings.Replace(good, "hex: 81\n", "", 1), "sample.txt:5: the key hex is missing"},
		{"no-words", head + strings.Replace(good, "a, words", "a", 1), "sample.txt:5: want a name"},
		{"bad-name", head + strings.Replace(good, "a, words", "A b, words", 1), "sample.txt:5: want a name"},
		{"bad-role", head + strings.Replace(good, "client", "Client", 1), `sample.txt:6: role "Client": want server, client or both`},
		{"bad-expect", head + strings.Replace(good, "open", "opened", 1), `sample.txt:7: expect "opened"`},
		{"bad-offset", head + strings.Replace(good, "offset: 0", "offset: x", 1), "sample.txt:8: offset:"},
		{"offset-outside", head + strings.Replace(good, "offset: 0", "offset: 2", 1), "sample.txt:5: offset 2 is outside the 1 bytes"},
		{"bad-limits", head + good + "limits: 10\n", `sample.txt:10: limits "10": want frame N message N`},
		{"limits-and-more", head + good + "limits: frame 10 message 20 reads 1\n", `sample.txt:10: limits "frame 10 message 20 reads 1": want frame N message N`},
		{"bad-message", head + good + "message: Text 61\n", `sample.txt:10: message "Text 61"`},
		{"bad-rule", head + good + "breaks: nothing\n", `sample.txt:10: breaks "nothing": no such rule`},
		{"rule-without-breach", head + good + "breaks: ping-answered\n", "no such rule"},
		{"bad-code", head + good + "codes: 1002 70000\n", `sample.txt:10: codes: "70000" is no close code`},
		{"codes-open", head + good + "codes: 1002\n", "the key codes does not go with expect: open"},
		{"code-open", head + good + "code: 1002\n", "the key code does not go with expect: open"},
		{"failed-no-breaks", head + strings.Replace(good, "open", "failed", 1), "the key breaks is missing"},
		{"failed-no-codes", head + strings.Replace(good, "open", "failed", 1) + "breaks: opcode-unknown\ncodes:\n", "the key codes is missing"},
		{"closed-no-code", head + strings.Replace(good, "open", "closed", 1), "the key code is missing"},
		{"odd-hex", head + strings.Replace(good, "81", "8", 1), `sample.txt:9: hex: want two hexadecimal digits, a string or a group, got "8"`},
		{"bad-hex", head + strings.Replace(good, "81", "81 zz", 1), `got "zz"`},
		{"open-string", head + strings.Replace(good, "81", `"abc`, 1), "is not closed"},
		{"open-group", head + strings.Replace(good, "81", "(81 00", 1), "a parenthesis is not closed"},
		{"closed-group", head + strings.Replace(good, "81", "81)", 1), `got ")"`},
		{"no-times", head + strings.Replace(good, "81", "81*", 1), "a repetition"},
		{"zero-times", head + strings.Replace(good, "81", "81*0", 1), "a repetition"},
		{"too-many-times", head + strings.Replace(good, "81", "(81*1000000)*1000000", 1), "over 1048576 bytes"},
		{"bad-truncated", head + good + "truncated: all\n", `truncated "all": want last frame`},
		{"truncated-elsewhere", head + strings.Replace(good, "81", "81 01", 1) + "truncated: last frame\nmessage: text 61\n" + strings.Replace(good, "offset: 0", "offset: 1", 1) + "truncated: last frame\n", "with the offset of that frame, 0"},
		{"both-masked", head + strings.Replace(strings.Replace(good, "client", "both", 1), "81", "81 80 01020304", 1), "written unmasked, but the frame at byte 0 is masked"},
	} {
		t.Run(c.id, func(t *testing.T) {
			_, err := Parse("sample.txt", c.text)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestLoadFSFaults(t *testing.T) {
	good := head + "\nvector: a, words\nrole: client\nexpect: open\noffset: 0\nhex: 81\n"
	for _, c := range []struct {
		id    string
		files map[string]string
		want  string
	}{
		{"nothing", map[string]string{}, "no vectors found"},
		{"hidden-only", map[string]string{".keep": ""}, "no vectors found"},
		{"other-file", map[string]string{"sample.txt": good, "notes.md": ""}, "notes.md is no vector file"},
		{"same-name", map[string]string{"sample.txt": good + "\nvector: a, words\nrole: client\nexpect: open\noffset: 0\nhex: 82\n"}, "sample.txt:11: there is a vector sample/a/client at sample.txt:5 already"},
		{"same-bytes", map[string]string{"sample.txt": good + "\nvector: b, words\nrole: client\nexpect: open\noffset: 0\nhex: 81\n"}, "sample.txt:11: sample/b/client has the same bytes"},
		{"fault", map[string]string{"sample.txt": "x"}, "sample.txt:1: want key: value"},
	} {
		t.Run(c.id, func(t *testing.T) {
			dir := fstest.MapFS{}
			for name, text := range c.files {
				dir[name] = &fstest.MapFile{Data: []byte(text)}
			}
			_, err := LoadFS(dir)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
