package peers

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/wsproof/wsproof/fuzz/input"
	"github.com/wsproof/wsproof/internal/engine/transcript"
	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/wire"
)

// CompareSent has a library send what t says, and returns what is wrong with the frames, apart from what the rows
// know; nil if nothing is. Oracle: the model, as the peer, reads them without a
// breach, in windows as they were agreed on, and gets the messages and pings in their
// order. What the RFCs leave open and peers suffer by is a rule of its own.
func CompareSent(l *transcript.Reader, t *transcript.Transcript, rows []Divergence) (*Finding, error) {
	r, err := l.Run(t)
	if err != nil {
		return nil, err
	}
	kind, rule, detail := judgeSent(t, r)
	known := slices.ContainsFunc(rows, func(row Divergence) bool {
		return row.Library == l.Name && row.Kind == kind && row.Rule == rule
	})
	if kind == "" || known {
		return nil, nil
	}
	return &Finding{Library: l.Name, Kind: kind, Rule: rule, Detail: detail}, nil
}

// The names of what is wrong with what is sent, beside the model's rules.
const (
	sentMessage = "sent-message"               // another message, or none
	sentTail    = "sent-tail"                  // octets of an empty block that RFC 7692 section 7.2.1 has removed
	sentShort   = "sent-short-message-in-many" // a short message in several frames, which some browsers get wrong
)

// shortMessage is how long a message is that goes in one frame.
const shortMessage = 500

// judgeSent says what is wrong. Where the model reads it all right without one of the rules
// about contexts, it is that one.
func judgeSent(t *transcript.Transcript, r *transcript.Result) (kind Kind, rule, detail string) {
	kind, rule, detail = judgeSentBut(t, r)
	if kind != Sends || t.Deflate == nil {
		return kind, rule, detail
	}
	for _, broken := range []model.Rule{model.ContextControl, model.ContextPlain, model.ContextFresh, model.ContextKept} {
		if kind, _, _ := judgeSentBut(t, r, broken); kind == "" {
			return Sends, string(broken), detail
		}
	}
	return kind, rule, detail
}

// judgeSentBut is judgeSent by a model that does not apply some rules.
func judgeSentBut(t *transcript.Transcript, r *transcript.Result, without ...model.Rule) (kind Kind, rule, detail string) {
	if r.Hung {
		return Hangs, sentMessage, fmt.Sprint(r.Err)
	}
	if r.Crash != "" {
		return Crashes, sentMessage, r.Crash
	}
	if r.SendErr != nil {
		return Refuses, sentMessage, fmt.Sprintf("%v, for %v", r.SendErr, r.Asked[len(r.Asked)-1])
	}
	limits := model.Limits{Frame: math.MaxInt32, Message: math.MaxInt32}
	got := model.Read(!t.Role, limits, r.Sent)
	if t.Deflate != nil {
		got = model.ReadCompressed(!t.Role, limits, *t.Deflate, r.Sent, without...)
	}
	if got.End != model.Open {
		return Sends, string(got.Rule), fmt.Sprintf("the model as its peer: %v", got)
	}
	var messages []model.Message
	var pings [][]byte
	var order, sent []byte
	for _, s := range r.Asked {
		order = append(order, s.Opcode)
		if s.Opcode == wire.Ping {
			pings = append(pings, s.Payload)
			continue
		}
		messages = append(messages, model.Message{Binary: s.Opcode == wire.Binary, Payload: s.Payload})
	}
	frames, length := 0, 0 // of the message
	for _, s := range input.Split(r.Sent) {
		if s.Cut {
			return Sends, sentMessage, "the last frame is cut"
		}
		switch s.Frame.Opcode {
		case wire.Text, wire.Binary:
			frames, length = 0, 0
			if n := len(sent); n < len(order) && order[n] == s.Frame.Opcode {
				length = len(r.Asked[n].Payload)
			}
		case wire.Continuation:
			frames++
			if frames > 0 && length <= shortMessage {
				kind, rule, detail = Sends, sentShort, fmt.Sprintf("a message of %d bytes leaves in several frames", length)
			}
		}
		if s.Frame.Opcode != wire.Continuation {
			sent = append(sent, s.Frame.Opcode)
		}
		if s.Frame.RSV&4 != 0 && s.Frame.Fin && bytes.HasSuffix(s.Frame.Payload, []byte{0, 0, 0xff, 0xff, 1}) {
			kind, rule, detail = Sends, sentTail, fmt.Sprintf("a message ends with an empty block and the beginning of another: %x", input.Clip(s.Frame.Payload))
		}
	}
	switch {
	case !bytes.Equal(order, sent):
		return Sends, sentMessage, fmt.Sprintf("frames begin with opcodes %x, want %x", sent, order)
	case len(got.Messages) != len(messages) || len(got.Pongs) != len(pings):
		return Sends, sentMessage, fmt.Sprintf("%d messages and %d pings are whole, of %d and %d", len(got.Messages), len(got.Pongs), len(messages), len(pings))
	}
	for i, m := range messages {
		if got.Messages[i].Binary != m.Binary || !bytes.Equal(got.Messages[i].Payload, m.Payload) {
			return Sends, sentMessage, fmt.Sprintf("message %d is %v, want %v", i+1, got.Messages[i], m)
		}
	}
	for i, p := range pings {
		if !bytes.Equal(p, got.Pongs[i]) {
			return Sends, sentMessage, fmt.Sprintf("ping %d is %x, want %x", i+1, got.Pongs[i], p)
		}
	}
	return kind, rule, detail
}

// sendSizes are those of messages: mostly short, and around the boundaries of a length
// (RFC 6455 section 5.2), of buffers and of windows.
var sendSizes = [...]int{0, 1, 2, 5, 9, 30, 30, 50, 70, 100, 124, 125, 126, 127, 200, 300, 500, 511, 512, 1000, 1001, 2000, 4095, 4096, 4097, 6000, 9000, 33000, 65535, 65536}

// sendingFor makes what a library is to send of an input, as far as the library can: up to
// eight messages of words, of noise, of what was there before, at such distances that it
// matters how large a window is, with pings in between.
func sendingFor(l *transcript.Reader, data []byte) *transcript.Transcript {
	var src input.Source
	src.Reset(data)
	head := src.Next()
	t := &transcript.Transcript{Role: model.Role(head&1 != 0), Limits: input.RawLimits[0]}
	if head&6 != 0 && (l.Caps.Deflate != transcript.DeflateNone || l.Caps.Compresses) {
		alone := head&8 != 0 || l.Caps.Deflate != transcript.DeflateTakeover
		t.Deflate = &model.Deflate{ServerNoContextTakeover: alone, ClientNoContextTakeover: alone}
		if bits := src.Next(); l.Caps.Windows && bits&1 != 0 {
			t.Deflate.ServerMaxWindowBits, t.Deflate.ClientMaxWindowBits = 8+int(bits>>1&7), 8+int(bits>>4&7)
		}
	}
	rng := rand.New(rand.NewPCG(src.Next(), 1))
	var before []byte // in all messages
	for n := 1 + src.Next()%8; n > 0; n-- {
		what := src.Next()
		if what&7 == 7 {
			t.Sends = append(t.Sends, transcript.Sending{Opcode: wire.Ping, Payload: []byte(words(rng, int(what>>3)*4))})
			continue
		}
		size := sendSizes[int(src.Next())%len(sendSizes)]
		var p []byte
		switch what >> 3 & 3 {
		case 0, 1:
			p = []byte(words(rng, size))
		case 2:
			for range size {
				p = append(p, byte('!'+rng.IntN(90)))
			}
		case 3: // again what was there, from a random place on
			p = []byte(words(rng, size/2))
			if len(before) > 0 {
				p = append(p, before[rng.IntN(len(before)):]...)
			}
			p = p[:min(size, len(p))]
		}
		before = append(before, p...)
		t.Sends = append(t.Sends, transcript.Sending{Opcode: wire.Text + byte(what>>5&1), Payload: p})
	}
	return t
}

// words returns n bytes of words.
func words(rng *rand.Rand, n int) string {
	list := [...]string{"price ", "quantity ", "symbol ", "\"id\": ", "12", "345", "6", "{", "}, ", "open ", "closed "}
	var b strings.Builder
	for b.Len() < n {
		b.WriteString(list[rng.IntN(len(list))])
	}
	return b.String()[:n]
}

// minimiseSent returns the smallest list that it finds of what to send which shows the
// same finding.
func minimiseSent(l *transcript.Reader, t *transcript.Transcript, f *Finding, rows []Divergence) *transcript.Transcript {
	small := *t
	tries := 500
	shows := func(sends []transcript.Sending) bool {
		if tries--; tries < 0 {
			return false
		}
		smaller := small
		smaller.Sends = sends
		got, err := CompareSent(l, &smaller, rows)
		if err != nil || !f.is(got) {
			return false
		}
		small = smaller
		return true
	}
	for again := true; again; {
		again = false
		for i := len(small.Sends) - 1; i >= 0 && len(small.Sends) > 1; i-- {
			if i < len(small.Sends) && shows(slices.Delete(slices.Clone(small.Sends), i, i+1)) {
				again = true
			}
		}
		for i, s := range small.Sends {
			for _, n := range []int{0, len(s.Payload) / 2, len(s.Payload) - 1} {
				if n < 0 || n >= len(s.Payload) {
					continue
				}
				sends := slices.Clone(small.Sends)
				sends[i].Payload = s.Payload[:n]
				if shows(sends) {
					again = true
					break
				}
			}
		}
	}
	return &small
}

// wordsOfSent tells what a library was to send.
func wordsOfSent(t *transcript.Transcript) string {
	var b strings.Builder
	fmt.Fprintf(&b, "a %v", t.Role)
	if t.Deflate != nil {
		fmt.Fprintf(&b, " with permessage-deflate: %+v,", *t.Deflate)
	}
	b.WriteString(" is to send")
	for _, s := range t.Sends {
		name := map[byte]string{wire.Text: "text", wire.Binary: "binary", wire.Ping: "a ping"}[s.Opcode]
		fmt.Fprintf(&b, "\n  %s of %d bytes: %q", name, len(s.Payload), input.Clip(s.Payload))
	}
	return b.String()
}

// sent has a library send what an input says, and returns a finding that the table does
// not know as an error.
func sent(l *transcript.Reader, data []byte) error {
	t := sendingFor(l, data)
	f, err := CompareSent(l, t, Divergences)
	if err != nil || f == nil {
		return err
	}
	small := minimiseSent(l, t, f, Divergences)
	return errors.Join(fmt.Errorf("new divergence: %w", f), errors.New(wordsOfSent(small)))
}

// SearchSent is Search for what a library sends.
func SearchSent(l *transcript.Reader, seed uint64, rows []Divergence, done func(n int) bool, found func(f *Finding, n int, words string)) (int, error) {
	return eachFinding(done, func(n int) (*Finding, func(), error) {
		t := sendingFor(l, input.RandomInput(nil, seed, uint64(n)))
		f, err := CompareSent(l, t, rows)
		return f, func() { found(f, n, wordsOfSent(minimiseSent(l, t, f, rows))) }, err
	})
}
