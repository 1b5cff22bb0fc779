package input

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/wire"
)

// Annotate describes a transcript frame by frame, in words, and what the model
// makes of it.
func Annotate(t *Transcript) string {
	var b strings.Builder
	fmt.Fprintf(&b, "to a %v with %s a frame and %s a message", t.Role, limit(t.Limits.Frame), limit(t.Limits.Message))
	if t.Deflate != nil {
		fmt.Fprintf(&b, ", with permessage-deflate: %+v", *t.Deflate)
	}
	if len(t.Sizes) > 0 {
		fmt.Fprintf(&b, ", in reads of %v bytes", t.Sizes)
	}
	b.WriteString(":\n")
	want := t.Want()
	told := false
	for off := 0; off < len(t.Input); {
		rest := t.Input[off:]
		f, n, err := wire.Split(rest)
		end := off + n
		if err != nil {
			end = len(t.Input)
		}
		fmt.Fprintf(&b, "  byte %d: %s\n", off, annotateFrame(rest, &f, err))
		if want.End == model.Failed && !told && want.Offset <= end {
			told = true
			info, _ := want.Rule.Info()
			fmt.Fprintf(&b, "    ^ breaks %s, noticed at byte %d at the latest: %s: %q\n", want.Rule, want.Offset, info.Place(), info.Sentence)
		}
		if err != nil || n == 0 {
			break
		}
		off = end
	}
	fmt.Fprintf(&b, "  the model: %v\n", want)
	return b.String()
}

func annotateFrame(rest []byte, f *wire.Frame, err error) string {
	var b strings.Builder
	if len(rest) < 2 {
		return fmt.Sprintf("%x, the beginning of a header", rest)
	}
	names := map[byte]string{0: "Continuation", 1: "Text", 2: "Binary", 8: "Close", 9: "Ping", 10: "Pong"}
	name := names[f.Opcode]
	if name == "" {
		name = fmt.Sprintf("opcode %#x", f.Opcode)
	}
	b.WriteString(name)
	if !f.Fin {
		b.WriteString(", no FIN")
	}
	for i, bit := range []byte{4, 2, 1} {
		if f.RSV&bit != 0 {
			fmt.Fprintf(&b, ", RSV%d", i+1)
		}
	}
	if f.Masked {
		fmt.Fprintf(&b, ", masked with %x", f.Key)
	} else {
		b.WriteString(", unmasked")
	}
	length := f.Length
	form := map[wire.Form]string{wire.Form7: "7-bit", wire.Form16: "16-bit", wire.Form64: "64-bit"}[f.Form]
	fmt.Fprintf(&b, ", %s length %d", form, length)
	if err != nil {
		fmt.Fprintf(&b, ", cut short: %d bytes are here", len(rest))
		return b.String()
	}
	if f.Opcode == wire.Close && len(f.Payload) >= 2 {
		fmt.Fprintf(&b, ", code %d", int(f.Payload[0])<<8|int(f.Payload[1]))
		f.Payload = f.Payload[2:]
	}
	if p := f.Payload; len(p) > 0 {
		more := ""
		if len(p) > 40 {
			p, more = p[:40], "…"
		}
		if utf8.Valid(p) && f.Opcode != wire.Binary {
			fmt.Fprintf(&b, ": %q%s", p, more)
		} else {
			fmt.Fprintf(&b, ": %x%s", p, more)
		}
	}
	return b.String()
}

func limit(n int) string {
	if int64(n) >= 1<<40 {
		return "no limit"
	}
	return fmt.Sprintf("a limit of %d bytes", n)
}
