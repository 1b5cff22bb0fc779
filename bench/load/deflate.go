package load

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/wsproof/wsproof/internal/model"
)

// deflateOffer asks for messages that do not refer to each other, so that they
// can be built before the clock starts and sent in any order.
const deflateOffer = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

// agreed says whether a server's answer to deflateOffer is a yes.
func agreed(answer string) error {
	deflate, wrong := (*model.Deflate)(nil), (*model.Refusal)(nil)
	if answer != "" {
		deflate, wrong = model.ReadAnswer([]string{deflateOffer}, []string{answer})
	}
	switch {
	case wrong != nil:
		return fmt.Errorf("the server's answer %q to %q: %w", answer, deflateOffer, wrong)
	case deflate == nil:
		return errors.New("the server does not compress (permessage-deflate was offered)")
	}
	return nil
}

// tail is what a compressed message ends with, and does not have on the wire
// (RFC 7692 §7.2.1); final ends the stream for compress/flate.
const (
	tail  = "\x00\x00\xff\xff"
	final = "\x01\x00\x00\xff\xff"
)

// newCompress returns a function that compresses a message.
func newCompress() func(message []byte) []byte {
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, flate.DefaultCompression)
	if err != nil {
		panic(err) // the level is one of those that there are
	}
	return func(message []byte) []byte {
		out.Reset()
		w.Reset(&out)
		_, _ = w.Write(message) // a bytes.Buffer takes all
		_ = w.Flush()
		return bytes.Clone(bytes.TrimSuffix(out.Bytes(), []byte(tail)))
	}
}

// An inflater inflates the answers of a connection.
type inflater struct {
	r   io.ReadCloser
	out bytes.Buffer
}

// message returns what a compressed message holds, until the next call.
func (f *inflater) message(payload []byte) ([]byte, error) {
	stream := io.MultiReader(bytes.NewReader(payload), strings.NewReader(tail+final))
	if f.r == nil {
		f.r = flate.NewReader(stream)
	} else if err := f.r.(flate.Resetter).Reset(stream, nil); err != nil {
		return nil, err
	}
	f.out.Reset()
	_, err := io.Copy(&f.out, io.LimitReader(f.r, mostOnTheWay))
	return f.out.Bytes(), err
}

// check judges the answer that is complete.
func (a *answers) check() error {
	if !a.rsv1 {
		return a.script.accept(a.next, a.opcode, a.message)
	}
	right := &a.script.squeezed[a.next]
	if before := right.Load(); before != nil && bytes.Equal(*before, a.message) {
		return a.script.kind(a.next, a.opcode)
	}
	plain, err := a.inflate.message(a.message)
	if err != nil {
		return fmt.Errorf("a wrong answer: %d compressed bytes that do not inflate: %w", len(a.message), err)
	}
	if err := a.script.accept(a.next, a.opcode, plain); err != nil {
		return err
	}
	keep := bytes.Clone(a.message)
	right.Store(&keep)
	return nil
}
