package live

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wsproof/wsproof/fuzz/input"
	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/wire"
)

// wireTold is what stands on the wire, as far as it is whole.
type wireTold struct {
	replies  int            // in their order
	whole    int            // messages
	messages map[string]int // of other goroutines, and how often
	pong     []byte         // the last one
	answered int            // pings: up to the one that it answers
	pinged   time.Time      // when the last ping was sent
	numbers  int            // the highest number of a ping
	epoch    int            // of the call whose message came last
	at       time.Time      // when the present frame was sent
	frames   []wire.Frame
	told     []model.Message // of all messages
}

func (w *wireTold) bag() string { return frameBag(w.frames) }

// readWire reads what stands on the wire and checks it.
func (s *scene) readWire() error {
	w := &s.sent
	w.messages = map[string]int{}
	owed := s.want.Pongs
	pong := 0
	open, binaryKind, packed, closed := false, false, false, false
	var message []byte
	for i := range s.pipe.frames {
		f := &s.pipe.frames[i]
		w.frames = append(w.frames, f.Frame)
		w.at = f.at
		if closed {
			return fmt.Errorf("a frame with opcode %#x was sent behind the Close", f.Opcode)
		}
		compressed := f.RSV == 4 && s.opt.deflate() != nil && (f.Opcode == wire.Text || f.Opcode == wire.Binary)
		if f.RSV != 0 && !compressed || f.Masked != (s.opt.role() == model.Client) || f.Masked && f.Key == [4]byte{} || f.Form != input.ShortestForm(len(f.Payload)) {
			return fmt.Errorf("a %v sent a frame with RSV %03b, masked %t with %x, %d bytes in form %d", s.opt.role(), f.RSV, f.Masked, f.Key, len(f.Payload), f.Form)
		}
		if f.Opcode&8 != 0 && (!f.Fin || len(f.Payload) > 125) {
			return fmt.Errorf("a control frame was sent with FIN %t and %d bytes", f.Fin, len(f.Payload))
		}
		switch f.Opcode {
		case wire.Close:
			closed = true
			if err := input.CheckSentClose(f.Payload); err != nil {
				return err
			}
		case wire.Pong:
			for pong < len(owed) && !bytes.Equal(owed[pong], f.Payload) {
				pong++
			}
			if pong == len(owed) {
				return fmt.Errorf("a pong %x was sent that answers no ping, or answers them out of order: %x", f.Payload, owed)
			}
			pong++
			w.pong = f.Payload
			w.answered = pong
			if n := s.repliesBefore(pong - 1); w.replies < n {
				return fmt.Errorf("a pong %x was sent before %d replies to what came before its ping", f.Payload, n-w.replies)
			}
		case wire.Ping:
			w.pinged = f.at
			switch len(f.Payload) {
			case 0:
				if !s.opt.has(bitPings) {
					return errors.New("a ping was sent that nobody wanted")
				}
			case 8:
				w.numbers = max(w.numbers, int(binary.BigEndian.Uint64(f.Payload)))
			default:
				return fmt.Errorf("a ping with %x was sent", f.Payload)
			}
		case wire.Text, wire.Binary, wire.Continuation:
			if (f.Opcode == wire.Continuation) != open {
				return fmt.Errorf("messages interleave: a data frame with opcode %d, a message open: %t", f.Opcode, open)
			}
			if !open {
				message, binaryKind, packed = message[:0], f.Opcode == wire.Binary, compressed
			}
			if len(f.Payload) > s.opt.limits.Frame {
				return fmt.Errorf("a frame of %d bytes was sent, MaxFrameSize is %d", len(f.Payload), s.opt.limits.Frame)
			}
			message = append(message, f.Payload...)
			if open = !f.Fin; open {
				if len(f.Payload) != s.opt.limits.Frame {
					return fmt.Errorf("a fragment of %d bytes was sent, MaxFrameSize is %d", len(f.Payload), s.opt.limits.Frame)
				}
				continue
			}
			w.whole++
			plain := message
			if packed {
				var err error
				if plain, err = s.inflated(w.whole, message); err != nil {
					return err
				}
			}
			w.told = append(w.told, model.Message{Binary: binaryKind, Payload: bytes.Clone(plain)})
			if err := s.readMessage(binaryKind, plain, packed); err != nil {
				return err
			}
		default:
			return fmt.Errorf("a frame with opcode %#x was sent", f.Opcode)
		}
	}
	if open && s.sound {
		return errors.New("the last message was not finished")
	}
	return nil
}

// repliesBefore is how many replies are owed for the messages before a ping.
func (s *scene) repliesBefore(ping int) int {
	messages := 0
	for _, f := range s.spans {
		switch op := f.Frame.Opcode; {
		case op == wire.Ping && ping == 0:
			if messages == 0 || messages > len(s.counts) {
				return 0
			}
			return s.counts[messages-1]
		case op == wire.Ping:
			ping--
		case op&8 == 0 && f.Frame.Fin:
			messages++
		}
	}
	return 0
}

// readMessage takes note of a message that was sent.
func (s *scene) readMessage(binary bool, message []byte, compressed bool) error {
	w := &s.sent
	if bytes.HasPrefix(message, []byte("message ")) {
		w.messages[string(message)]++
		if w.messages[string(message)] > 1 {
			return fmt.Errorf("%q was sent twice", input.Clip(message))
		}
		i := slices.IndexFunc(s.calls, func(c *call) bool { return c.text == string(message) })
		if i < 0 {
			return fmt.Errorf("%q was sent, which nobody wrote", input.Clip(message))
		}
		if s.calls[i].binary != binary {
			return fmt.Errorf("%q was sent as binary: %t", input.Clip(message), binary)
		}
		if s.calls[i].plain && compressed {
			return fmt.Errorf("%q was sent compressed, and was not to be", input.Clip(message))
		}
		// Writers have their turns in their order, behind the replies that were there before.
		epoch := s.calls[i].epoch
		if epoch < w.epoch {
			return fmt.Errorf("%q was sent behind a message that was written later", input.Clip(message))
		}
		w.epoch = epoch
		if before, _ := slices.BinarySearch(s.replied, epoch); s.opt.two(bitUser) < userReads && w.replies < before {
			return fmt.Errorf("%q was sent before %d replies that were given before it was written", input.Clip(message), before-w.replies)
		}
		return nil
	}
	if w.replies == len(s.replies) {
		return fmt.Errorf("%q was sent, which is no reply that is owed", input.Clip(message))
	}
	if want := s.replies[w.replies]; want.Binary != binary || !bytes.Equal(want.Payload, message) {
		return fmt.Errorf("reply %d is %v, want %v", w.replies+1, model.Message{Binary: binary, Payload: message}, want)
	}
	if late := w.at.Sub(s.repliedAt[w.replies]); late > gatherDelay+leeway && !s.hindered {
		return fmt.Errorf("reply %d was sent %v after it was given", w.replies+1, late)
	}
	w.replies++
	return nil
}

// gatherDelay is how long a reply may wait for others, as the documentation of Serve says.
const gatherDelay = time.Millisecond

// closePayloadFor returns the payload of a Close that this side is to send: the
// reason cut to what fits, on the boundary of a character.
func closePayloadFor(code uint16, reason string) []byte {
	if code == 0 || code == 1005 {
		return []byte{}
	}
	for len(reason) > 123 {
		runes := []rune(reason)
		reason = string(runes[:len(runes)-1])
	}
	return append(binary.BigEndian.AppendUint16(nil, code), reason...)
}

// wasWriting tells whether text was being written when the transport was closed, or had been
// at that moment: a context may end behind the write and before its writer knows.
// The caller holds mu.
func (p *pipe) wasWriting(text string) bool {
	if p.broken == nil {
		return false
	}
	for b := p.broken; ; {
		f, n, err := wire.Split(b)
		if err != nil {
			return false
		}
		if f.RSV == 4 { // it may be any
			return true
		}
		if len(f.Payload) > 0 && strings.HasPrefix(text, string(f.Payload)) {
			return true
		}
		b = b[n:]
	}
}

// checkKeys checks that the keys of a client's frames are not one key (RFC 6455 section
// 5.3).
func (s *scene) checkKeys() error {
	seen := map[[4]byte]int{}
	for _, f := range s.pipe.frames {
		if seen[f.Key]++; f.Masked && seen[f.Key] == 3 { // by chance that never is
			return fmt.Errorf("three frames are masked with %x", f.Key)
		}
	}
	return nil
}

// judge checks what is left when all has ended.
func (h *connHarness) judge() error {
	s := h.look()
	defer h.unlook()
	if err := s.check(); err != nil {
		return err
	}
	if err := s.checkKeys(); err != nil {
		return err
	}
	if s.reasons&^(reasonEOF|reasonPeer|reasonRule) != 0 || h.opt.two(bitUser) == userNobody {
		return nil
	}
	// Nothing stood in the way: all that was owed was sent.
	if len(s.got) != len(s.want.Messages) || h.opt.two(bitUser) < userReads && s.sent.replies != len(s.replies) {
		return fmt.Errorf("the peer sent %d messages, %d were delivered and %d replies owed, of which %d were sent; %v", len(s.want.Messages), len(s.got), len(s.replies), s.sent.replies, s.want)
	}
	if n := len(s.want.Pongs); n > 0 && !bytes.Equal(s.sent.pong, s.want.Pongs[n-1]) {
		return fmt.Errorf("the last of %d pings, %x, was not answered: the last pong is %x", n, s.want.Pongs[n-1], s.sent.pong)
	}
	return nil
}
