package fuzz

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/wsproof/wsproof/fuzz/input"
	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/wire"
	"github.com/wsproof/wsproof/websocket/deflate"
	"github.com/wsproof/wsproof/websocket/protocol"
)

// Reassembly checks a Reader and a Writer of package protocol on a transcript of
// frames, valid and broken, that is cut into reads anywhere.
//
// Oracle: the messages, pongs, and the Close that ends it equal what the model makes of
// the transcript, a failure at the latest with the byte that makes it certain; each
// frame that is told of is as it came; what the caller owns is left alone by what comes
// later; no memory is set aside for more than 256 KiB that did not arrive; a transcript
// that is cut short is told as the error of the part that is missing. With
// permessage-deflate each message is sent back, and the model makes the same of that.
func Reassembly(data []byte) error {
	g := input.TranscriptGenerators.Get().(*input.TranscriptGenerator)
	defer input.TranscriptGenerators.Put(g)
	defer input.Guard()()
	return checkReader(g.Generate(data))
}

// checkReader holds the core against the model on a transcript.
func checkReader(t *input.Transcript) error {
	return checkOutcome(t, t.Want())
}

var readings = sync.Pool{New: func() any { return new(reading) }}

// checkOutcome holds the core against an outcome.
func checkOutcome(t *input.Transcript, want model.Outcome) error {
	h := readings.Get().(*reading)
	defer readings.Put(h)
	h.certain = 0
	if want.End == model.Failed {
		h.certain = want.Offset
	}
	if err := h.read(t); err != nil {
		return fmt.Errorf("the core %w", err)
	}
	return model.Check(want, h.got)
}

// A reading is a conversation that is read to its end, and answered.
type reading struct {
	reader  protocol.Reader
	writer  protocol.Writer
	limits  protocol.Limits
	got     model.Outcome
	given   int      // bytes of the transcript
	certain int      // bytes with which a failure is certain: no read goes past them before they are looked at; 0: none is
	owned   [][]byte // payloads that are the caller's, and copies of them
	copies  [][]byte
	spans   []input.Span // the frames of data that are to be told of; nil: none are
	all     []input.Span // all frames, without their payloads

	deflation *protocol.Deflation // nil: there is none
	echoes    []model.Message     // what was sent back
	plain     []bool              // whether it must not be compressed
	other     protocol.Writer     // another connection, which a message that is prepared goes to as well
	threshold int
	used      bool  // the compressor was, since Doze
	awake     bool  // Wakes has said so
	sleeps    error // what Wakes, Doze and Rendering said that is not so
	mode      protocol.Mode
}

func (h *reading) read(t *input.Transcript) error {
	mode := protocol.ServerMode
	if t.Role == model.Client {
		mode = protocol.ClientMode
	}
	h.limits = protocol.Limits{MaxFrameSize: max(0, t.Limits.Frame), MaxMessageSize: max(0, t.Limits.Message)}
	h.reader, h.writer = protocol.NewReader(mode, &h.limits), protocol.NewWriter(mode, &protocol.Limits{MaxFrameSize: [...]int{1 << 20, 100, 1 << 20, 1}[len(t.Input)>>1&3]})
	h.echoes, h.plain, h.deflation, h.mode = nil, nil, nil, mode
	if t.Deflate != nil {
		h.threshold, h.used, h.awake, h.sleeps = len(t.Input)>>4&31, false, false, nil
		h.deflation = protocol.NewDeflation(mode, paramsOf(t.Deflate), deflate.Level(len(t.Input)>>3&1), h.threshold)
		h.reader.Deflate(h.deflation)
		h.writer.Deflate(h.deflation)
		h.other = protocol.NewWriter(mode, &protocol.Limits{MaxFrameSize: 1 << 20})
		h.other.Deflate(protocol.NewDeflation(mode, paramsOf(&model.Deflate{ServerMaxWindowBits: 15, ClientMaxWindowBits: 15}), deflate.Fast, 1))
	}
	h.got, h.given, h.owned, h.copies, h.spans = model.Outcome{}, 0, h.owned[:0], h.copies[:0], nil
	h.all = h.all[:0]
	h.reader.Own = len(t.Input)&1 != 0
	if h.reader.EachFrame = len(t.Input)&6 == 2; h.reader.EachFrame {
		h.spans = slices.DeleteFunc(input.Split(t.Input), func(s input.Span) bool { return s.Frame.Opcode&8 != 0 })
	}
	if len(t.Input)&6 == 4 {
		h.reader.ReadAhead(4 << 10)
	}
	err := h.converse(t)
	h.reader.Release()
	if h.deflation != nil {
		h.deflation.Release()
	}
	if err == nil && h.deflation != nil {
		err = h.sleeps
	}
	if err != nil {
		return err
	}
	for i := range h.owned {
		if !bytes.Equal(h.owned[i], h.copies[i]) {
			return fmt.Errorf("changed a payload that is the caller's: %s", input.Differ(h.owned[i], h.copies[i]))
		}
	}
	return h.answered(t)
}

func paramsOf(d *model.Deflate) deflate.Params {
	return deflate.Params{
		ServerNoContextTakeover: d.ServerNoContextTakeover, ClientNoContextTakeover: d.ClientNoContextTakeover,
		ServerMaxWindowBits: d.ServerMaxWindowBits, ClientMaxWindowBits: d.ClientMaxWindowBits,
	}
}

func (h *reading) converse(t *input.Transcript) error {
	for turn := 0; ; {
		event, payload, err := h.reader.Next()
		switch {
		case err != nil:
			var e *protocol.Error
			if event != protocol.NeedMore || payload != nil || !isError(err, &e) {
				return fmt.Errorf("returned event %d and %d bytes with the error %w", event, len(payload), err)
			}
			h.got.End, h.got.Rule, h.got.Offset = model.Failed, ruleOf(err), h.given
			h.writer.Control(protocol.OpcodeClose, protocol.NewCloseFrame(e.Code(), e.Text()).Payload)
			return nil
		case event == protocol.MessageComes:
			h.deliver(payload)
		case event == protocol.FrameComes:
			if err := h.frame(payload); err != nil {
				return err
			}
		case event == protocol.PingComes:
			h.writer.Control(protocol.OpcodePong, payload)
		case event == protocol.CloseComes:
			closed, err := protocol.ParseClose(payload)
			if err != nil {
				return fmt.Errorf("took a Close for valid that is not: %w", err)
			}
			h.got.End, h.got.Code, h.got.Reason = model.Closed, uint16(closed.Code), closed.Reason
			if len(payload) > 2 {
				payload = payload[:2] // the code alone
			}
			h.writer.Control(protocol.OpcodeClose, payload)
			return nil
		case event == protocol.NeedMore:
			if h.given == len(t.Input) {
				h.got.End = model.Open
				return h.cut()
			}
			if err := h.give(t, &turn); err != nil {
				return err
			}
		}
	}
}

// deliver keeps a message.
func (h *reading) deliver(payload []byte) {
	if h.reader.Own {
		h.owned, h.copies = append(h.owned, payload), append(h.copies, bytes.Clone(payload))
	} else {
		payload = bytes.Clone(payload)
	}
	message := model.Message{Binary: h.reader.Binary(), Payload: payload}
	h.got.Messages = append(h.got.Messages, message)
	if h.deflation != nil {
		h.echo(message)
	}
}

// echo sends a message back, in one of the ways there are.
func (h *reading) echo(message model.Message) {
	w := &h.writer
	n := len(h.echoes) + len(message.Payload)
	defer h.doze(n, &message)
	switch n % 8 {
	case 5:
		f := w.PlainFragments(message.Binary, message.Payload)
		w.Queue(&f)
	case 6:
		if p, err := protocol.Prepare(&protocol.Message{Binary: message.Binary, Payload: message.Payload}); err == nil {
			p.Render(h.other.Terms(p))
			r := p.Render(w.Terms(p))
			f := w.Send(r)
			h.whole(p, r, f)
			w.Queue(&f)
		}
	case 7:
		w.Rest()
		fallthrough
	default:
		w.Message(message.Binary, message.Payload)
	}
	h.plain = append(h.plain, n%8 == 5)
	h.echoes = append(h.echoes, message)
}

// whole checks that a message is rendered once, and that all bytes of that are its frames,
// for a server: those of a client have a key each.
func (h *reading) whole(p *protocol.Prepared, r *protocol.Rendering, f protocol.Fragments) {
	var frames []byte
	size, n := f.Size(), 0
	for more := h.mode == protocol.ServerMode; more; {
		frames, more = f.Append(frames)
		n++
	}
	if n > 0 && (size < len(frames) || size > len(frames)+14*(n+1)) && h.sleeps == nil {
		h.sleeps = fmt.Errorf("%d frames of %d bytes are said to take %d at most", n, len(frames), size)
	}
	if again := p.Render(h.writer.Terms(p)); h.sleeps == nil && (again != r || !bytes.Equal(r.Whole(), frames)) {
		h.sleeps = fmt.Errorf("a message is rendered as %x, again the same: %t, its frames are %x", input.Clip(r.Whole()), again == r, input.Clip(frames))
	}
}

// doze puts the compressor to rest now and then, and holds what is said of that against
// plain counting.
func (h *reading) doze(n int, message *model.Message) {
	if n%8 == 6 { // a message that is prepared may not have got smaller
		h.awake, h.used = h.writer.Wakes() || h.awake, false
		h.awake = !h.writer.Doze() && h.awake
		return
	}
	h.used = h.used || n%8 != 5 && len(message.Payload) > 0 && len(message.Payload) >= h.threshold
	if wakes := h.writer.Wakes(); wakes != (h.used && !h.awake) && h.sleeps == nil {
		h.sleeps = fmt.Errorf("behind message %d, Wakes is %t: a message was compressed: %t, it has said so: %t", len(h.echoes), wakes, h.used, h.awake)
	}
	h.awake = h.awake || h.used
	if n%5 != 0 {
		return
	}
	if rests := h.writer.Doze(); rests == h.used && h.sleeps == nil {
		h.sleeps = fmt.Errorf("behind message %d, Doze is %t: a message was compressed since: %t", len(h.echoes), rests, h.used)
	}
	h.awake, h.used = h.awake && h.used, false
}

// frame holds what was told of a frame of data against it.
func (h *reading) frame(payload []byte) error {
	if len(h.spans) == 0 {
		return errors.New("told of more frames than there are")
	}
	want := h.spans[0].Frame
	h.spans = h.spans[1:]
	got := h.reader.Frame(payload)
	if byte(got.Opcode()) != want.Opcode || got.Fin() != want.Fin || !bytes.Equal(payload, want.Payload) {
		return fmt.Errorf("told of %v %x, which came as %+v", got, input.Clip(payload), want)
	}
	if h.reader.Last() != want.Fin {
		return fmt.Errorf("told of %v: the last one of its message: %t", got, h.reader.Last())
	}
	return nil
}

// give gives the reader its next bytes.
func (h *reading) give(t *input.Transcript, turn *int) error {
	if *turn&1 != 0 {
		h.reader.Release()
	}
	space := h.reader.Space()
	if len(space) == 0 {
		return errors.New("wants more and has no room for it")
	}
	if ahead := h.reader.Holds() - 4*h.given; ahead > 1<<20+64<<10 { // what pools have: memory grows by doubling, and is rounded up
		return fmt.Errorf("holds %d bytes when %d have come", h.reader.Holds(), h.given)
	}
	if *turn&7 == 0 && t.Deflate == nil && h.reader.Holds() < h.underWay(t) {
		return fmt.Errorf("holds %d bytes when %d of a message have come", h.reader.Holds(), h.underWay(t))
	}
	n := len(space)
	if len(t.Sizes) > 0 {
		n = min(n, t.Sizes[*turn%len(t.Sizes)])
	}
	*turn++
	if h.given < h.certain {
		n = min(n, h.certain-h.given)
	}
	n = copy(space[:n], t.Input[h.given:])
	h.reader.Came(n)
	h.given += n
	return nil
}

// underWay is how many bytes have come of the message whose end has not.
func (h *reading) underWay(t *input.Transcript) (n int) {
	if len(h.all) == 0 {
		h.all = input.AppendHeaders(h.all, t.Input)
	}
	for i := range h.all {
		s := &h.all[i]
		switch size := int(s.Frame.Length); {
		case s.Start >= h.given || s.Cut:
			return n
		case s.Frame.Opcode&8 != 0:
			continue
		case s.Frame.Opcode != wire.Continuation:
			n = 0
			fallthrough
		default:
			n += min(size, max(0, h.given-(s.End-size)))
		}
		if s.Frame.Fin && h.given >= s.End {
			n = 0
		}
	}
	return n
}

// cut checks the error for a transcript that is cut short.
func (h *reading) cut() error {
	var e *protocol.Error
	if err := h.reader.Cut(io.EOF); !isError(err, &e) || e.Code() != protocol.StatusAbnormalClose || !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("told the end of the bytes as %w", err)
	}
	return nil
}

// answered reads what was written.
func (h *reading) answered(t *input.Transcript) error {
	buf := h.writer.Take()
	if h.writer.Stop(); !h.writer.Closed() || h.writer.Message(true, []byte("x")) || h.writer.Control(protocol.OpcodePong, nil) || h.writer.Take() != nil {
		return errors.New("writes when it was stopped")
	}
	if buf == nil {
		return nil
	}
	defer buf.Free()
	if t.Deflate != nil {
		got := model.ReadCompressed(!t.Role, model.Limits{Frame: 1 << 20, Message: 1 << 20}, *t.Deflate, buf.Bytes)
		if got.Rule != "" || !slices.EqualFunc(got.Messages, h.echoes, func(a, b model.Message) bool {
			return a.Binary == b.Binary && bytes.Equal(a.Payload, b.Payload)
		}) {
			return fmt.Errorf("sent %d messages back, of which the model makes: %v", len(h.echoes), got)
		}
	}
	echo := 0
	for sent := buf.Bytes; len(sent) > 0; {
		f, n, err := wire.Split(sent)
		if err != nil {
			return fmt.Errorf("wrote %x, no whole frame", input.Clip(sent))
		}
		sent = sent[n:]
		switch {
		case len(h.got.Codes) > 0:
			h.got.AfterClose++
		case f.Opcode == wire.Close && len(f.Payload) < 2:
			h.got.Codes = append(h.got.Codes, 1005)
		case f.Opcode == wire.Close:
			h.got.Codes = append(h.got.Codes, uint16(f.Payload[0])<<8|uint16(f.Payload[1]))
		case f.Opcode == wire.Pong:
			h.got.Pongs = append(h.got.Pongs, f.Payload)
		case h.deflation != nil && f.Opcode <= wire.Binary:
			if f.RSV != 0 && h.plain[echo] {
				return fmt.Errorf("compressed echo %d, which asked for none", echo+1)
			}
			if f.Fin {
				echo++
			}
		default:
			return fmt.Errorf("wrote the frame %+v", f)
		}
	}
	return nil
}

// ruleOf returns the rule that an error stands for.
func ruleOf(err error) model.Rule { return rules[err] }

var rules = func() map[error]model.Rule {
	of := map[error]model.Rule{}
	for rule, err := range input.RuleErrors {
		if rule != model.LengthTopBit && rule != model.CloseReasonNotUTF8 { // which have no error of their own
			of[err] = rule
		}
	}
	return of
}()
