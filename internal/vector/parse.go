package vector

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/wsproof/wsproof/internal/model"
)

// DefaultLimits hold where a vector names none: those of package websocket.
var DefaultLimits = model.Limits{Frame: 16 << 10, Message: 256 << 10}

// A field is one "key: value" of a file.
type field struct {
	key, value string
	line       int
}

// A block is a run of fields without an empty line.
type block struct {
	fields []field
	line   int
}

// Parse returns the vectors of one file.
func Parse(file, text string) ([]Vector, error) {
	blocks, err := split(file, text)
	if err != nil {
		return nil, err
	}
	if len(blocks) == 0 {
		return nil, fmt.Errorf("%s: no vectors found: the file is empty", file)
	}
	head, err := parseHead(file, blocks[0])
	if err != nil {
		return nil, err
	}
	var vectors []Vector
	for _, b := range blocks[1:] {
		more, err := parseVector(head, b)
		if err != nil {
			return nil, err
		}
		vectors = append(vectors, more...)
	}
	if len(vectors) == 0 {
		return nil, fmt.Errorf("%s: no vectors found behind the first block", file)
	}
	return vectors, nil
}

// split cuts the text into blocks. Lines that begin with a blank belong to the
// field above them.
func split(file, text string) ([]block, error) {
	var blocks []block
	var b block
	flush := func() {
		if len(b.fields) > 0 {
			blocks = append(blocks, b)
		}
		b = block{}
	}
	for i, line := range strings.Split(text, "\n") {
		n := i + 1
		switch {
		case strings.TrimSpace(line) == "":
			flush()
		case line[0] == '#':
		case line[0] == ' ' || line[0] == '\t':
			if len(b.fields) == 0 {
				return nil, fmt.Errorf("%s:%d: an indented line that continues nothing: %q", file, n, line)
			}
			last := &b.fields[len(b.fields)-1]
			last.value += "\n" + line
		default:
			key, value, ok := strings.Cut(line, ":")
			if !ok {
				return nil, fmt.Errorf("%s:%d: want key: value, or an indented line of bytes, got %q", file, n, line)
			}
			if len(b.fields) == 0 {
				b.line = n
			}
			b.fields = append(b.fields, field{key, strings.TrimSpace(value), n})
		}
	}
	flush()
	return blocks, nil
}

func parseHead(file string, b block) (Vector, error) {
	head := Vector{File: file, Line: b.line}
	for _, f := range b.fields {
		var to *string
		switch f.key {
		case "rule":
			to = &head.Rule
		case "rfc":
			to = &head.RFC
		case "says":
			to = &head.About
		default:
			return head, fmt.Errorf("%s:%d: unknown key %q in the first block: want rule, rfc, says", file, f.line, f.key)
		}
		if *to != "" {
			return head, fmt.Errorf("%s:%d: the key %s stands there twice", file, f.line, f.key)
		}
		if f.value == "" {
			return head, fmt.Errorf("%s:%d: the key %s has no value", file, f.line, f.key)
		}
		*to = f.value
	}
	if head.Rule == "" || head.RFC == "" || head.About == "" {
		return head, fmt.Errorf("%s:%d: the first block needs the keys rule, rfc and says", file, b.line)
	}
	if want := strings.TrimSuffix(path.Base(file), ".txt"); head.Rule != want {
		return head, fmt.Errorf("%s:%d: rule %s stands in a file called %s", file, b.line, head.Rule, path.Base(file))
	}
	return head, nil
}

// The keys of a vector; those with true may stand there several times.
var keys = map[string]bool{
	"vector": false, "role": false, "negotiated": false, "limits": false, "truncated": false,
	"message": true, "pong": true,
	"expect": false, "breaks": false, "code": false, "reason": false, "codes": false, "offset": false,
	"hex": false,
}

func parseVector(head Vector, b block) ([]Vector, error) {
	v := head
	v.Line = b.line
	v.Limits = DefaultLimits
	seen := map[string]field{}
	fault := func(f field, format string, args ...any) error {
		return fmt.Errorf("%s:%d: %s", v.File, f.line, fmt.Sprintf(format, args...))
	}
	var roles []model.Role
	for _, f := range b.fields {
		many, known := keys[f.key]
		if !known {
			names := make([]string, 0, len(keys))
			for name := range keys {
				names = append(names, name)
			}
			slices.Sort(names)
			return nil, fault(f, "unknown key %q: want one of %s", f.key, strings.Join(names, ", "))
		}
		if _, twice := seen[f.key]; twice && !many {
			return nil, fault(f, "the key %s stands there twice", f.key)
		}
		seen[f.key] = f
		var err error
		switch f.key {
		case "vector":
			name, about, ok := strings.Cut(f.value, ", ")
			if !ok || name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
				return nil, fault(f, "want a name of a-z, 0-9 and -, a comma and what it is about, got %q", f.value)
			}
			v.ID, v.About = v.Rule+"/"+name, about
		case "role":
			switch f.value {
			case "both":
				roles = []model.Role{model.Server, model.Client}
			case "server":
				roles = []model.Role{model.Server}
			case "client":
				roles = []model.Role{model.Client}
			default:
				return nil, fault(f, "role %q: want server, client or both", f.value)
			}
		case "negotiated":
			agreed, wrong := model.Agreed(f.value)
			if wrong != nil {
				return nil, fault(f, "negotiated %q: %v", f.value, wrong)
			}
			v.Deflate = &agreed
		case "limits":
			if words := strings.Fields(f.value); len(words) == 4 {
				v.Limits.Frame, _ = strconv.Atoi(words[1])
				v.Limits.Message, _ = strconv.Atoi(words[3])
			}
			if fmt.Sprintf("frame %d message %d", v.Limits.Frame, v.Limits.Message) != f.value { // also where there are no numbers
				return nil, fault(f, "limits %q: want frame N message N", f.value)
			}
		case "truncated":
			if f.value != "last frame" {
				return nil, fault(f, "truncated %q: want last frame", f.value)
			}
		case "message":
			kind, rest, _ := strings.Cut(f.value, " ")
			if kind != "text" && kind != "binary" {
				return nil, fault(f, "message %q: want text or binary, then its bytes", f.value)
			}
			m := model.Message{Binary: kind == "binary"}
			m.Payload, err = data(rest)
			v.Want.Messages = append(v.Want.Messages, m)
		case "pong":
			var payload []byte
			payload, err = data(f.value)
			v.Want.Pongs = append(v.Want.Pongs, payload)
		case "expect":
			switch f.value {
			case "open":
				v.Want.End = model.Open
			case "closed":
				v.Want.End = model.Closed
			case "failed":
				v.Want.End = model.Failed
			default:
				return nil, fault(f, "expect %q: want open, closed or failed", f.value)
			}
		case "breaks":
			v.Want.Rule = model.Rule(f.value)
			if info, ok := v.Want.Rule.Info(); !ok || len(info.Codes) == 0 {
				return nil, fault(f, "breaks %q: no such rule; model.Rules lists them", f.value)
			}
		case "code":
			v.Want.Code, err = code(f.value)
		case "codes":
			for _, word := range strings.Fields(f.value) {
				var c uint16
				if c, err = code(word); err != nil {
					break
				}
				v.Want.Codes = append(v.Want.Codes, c)
			}
		case "reason":
			var reason []byte
			reason, err = data(f.value)
			v.Want.Reason = string(reason)
		case "offset":
			v.Want.Offset, err = strconv.Atoi(f.value)
		case "hex":
			v.Input, err = data(f.value)
		}
		if err != nil {
			return nil, fault(f, "%s: %v", f.key, err)
		}
	}
	if err := complete(&v, seen); err != nil {
		return nil, fmt.Errorf("%s: %w", v.Where(), err)
	}
	return forRoles(v, roles, seen["role"].value == "both", seen["truncated"].value != "")
}

func code(word string) (uint16, error) {
	n, err := strconv.ParseUint(word, 10, 16)
	if err != nil {
		return 0, fmt.Errorf("%q is no close code", word)
	}
	return uint16(n), nil
}

// complete checks that a vector has the keys that it needs and no others.
func complete(v *Vector, seen map[string]field) error {
	need := []string{"vector", "role", "expect", "offset", "hex"}
	var never []string
	switch v.Want.End {
	case model.Open:
		never = []string{"code", "reason"}
		if v.Want.Rule != "" {
			need = append(need, "codes")
		} else {
			never = append(never, "codes")
		}
	case model.Closed:
		need = append(need, "code")
		never = []string{"breaks"}
		if len(v.Want.Codes) == 0 {
			v.Want.Codes = answers(v.Want.Code)
		}
	case model.Failed:
		need = append(need, "breaks", "codes")
		never = []string{"code", "reason"}
	}
	for _, key := range need {
		if f, ok := seen[key]; !ok || key == "codes" && f.value == "" {
			return fmt.Errorf("the key %s is missing", key)
		}
	}
	for _, key := range never {
		if _, ok := seen[key]; ok {
			return fmt.Errorf("the key %s does not go with expect: %s", key, v.Want.End)
		}
	}
	if v.Want.Offset < 0 || v.Want.Offset > len(v.Input) {
		return fmt.Errorf("offset %d is outside the %d bytes", v.Want.Offset, len(v.Input))
	}
	return nil
}

// answers are the codes with which a Close may be answered: its own, or 1000; an
// empty one (1005) with 1000 or an empty one.
func answers(code uint16) []uint16 {
	switch code {
	case 1005:
		return []uint16{1000, 1005}
	case 1000:
		return []uint16{1000}
	}
	return []uint16{code, 1000}
}
