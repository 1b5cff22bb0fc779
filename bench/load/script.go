package load

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync/atomic"

	"github.com/wsproof/wsproof/internal/wire"
)

// A script is a ring of messages that differ from each other, as frames ready
// to send, and of the answers as the bytes that a server most likely sends:
// one frame each, the length in its shortest form. It is shared and not
// changed.
type script struct {
	out    []byte // the ring twice over, so that any window is in one piece
	outEnd []int  // where each message ends in out
	in     []byte // the answers, once
	inEnd  []int
	// kind judges the opcode of an answer.
	kind func(i int, opcode byte) error
	// accept judges an answer that came in other frames.
	accept func(i int, opcode byte, payload []byte) error
	raw    bool // the answers are the very bytes sent
	// squeezed has a place a message where they are compressed: the payload that
	// was right before.
	squeezed []atomic.Pointer[[]byte]
}

// messages is the length of the ring.
func (s *script) messages() int { return len(s.inEnd) }

// window is the bytes of n messages from the i-th on.
func (s *script) window(i, n int) []byte {
	from := 0
	if i > 0 {
		from = s.outEnd[i-1]
	}
	return s.out[from:s.outEnd[i+n-1]]
}

func (s *script) inStart(i int) int {
	if i == 0 {
		return 0
	}
	return s.inEnd[i-1]
}

type message struct {
	opcode     byte
	ask, reply []byte
}

func newScript(c *Config) *script {
	_, raw := c.plain()
	s := &script{raw: raw}
	if c.Mode == Connect {
		return s
	}
	n := 1024
	if c.Mode == Echo {
		n = max(2, min(n, (1<<20)/max(c.Size, 1)))
	}
	n = max(n, c.InFlight)
	random := rand.New(rand.NewPCG(6455, 1))
	messages := make([]message, n)
	var once []byte
	compress := func(p []byte) []byte { return p }
	if c.Compression {
		compress, s.squeezed = newCompress(), make([]atomic.Pointer[[]byte], n)
	}
	for i := range messages {
		messages[i] = newMessage(c, i, random)
		m := &messages[i]
		f := wire.Frame{Fin: true, Opcode: m.opcode, Masked: true, Payload: compress(m.ask)}
		if c.Compression {
			f.RSV = 4
		}
		binary.LittleEndian.PutUint32(f.Key[:], random.Uint32()|1)
		once = f.Append(once)
		s.outEnd = append(s.outEnd, len(once))
		if c.Compression {
			s.inEnd = append(s.inEnd, 0) // nobody knows the bytes of an answer before it comes
		} else if !s.raw {
			answer := wire.Frame{Fin: true, Opcode: m.opcode, Payload: m.reply}
			s.in = answer.Append(s.in)
			s.inEnd = append(s.inEnd, len(s.in))
		}
	}
	s.out = append(once, once...)
	for _, end := range s.outEnd[:n:n] {
		s.outEnd = append(s.outEnd, end+len(once))
	}
	if s.raw {
		s.in, s.inEnd = once, s.outEnd[:n]
	}
	s.kind = func(i int, opcode byte) error {
		if want := messages[i].opcode; opcode != want {
			return fmt.Errorf("a wrong answer: opcode %d for a message of opcode %d", opcode, want)
		}
		return nil
	}
	s.accept = func(i int, opcode byte, payload []byte) error {
		m := &messages[i]
		if err := s.kind(i, opcode); err != nil {
			return err
		}
		if bytes.Equal(payload, m.reply) {
			return nil
		}
		if c.Mode == JSON && sameJSON(payload, m.reply) {
			return nil
		}
		return fmt.Errorf("a wrong answer: sent %.40q, got %.40q, want %.40q", m.ask, payload, m.reply)
	}
	return s
}

// newMessage is the i-th message of the ring with its answer.
func newMessage(c *Config, i int, random *rand.Rand) message {
	next := i + 1 // the rule of ntsd/websocket-benchmark: to the next even number, or by two
	if i%2 == 0 {
		next = i + 2
	}
	switch c.Mode {
	case Plain:
		b := fmt.Appendf(nil, "number: %d", i)
		return message{wire.Text, b, b}
	case JSON:
		return message{wire.Text, fmt.Appendf(nil, `{"number": %d}`, i), fmt.Appendf(nil, `{"number":%d}`, next)}
	case Binary:
		return message{
			wire.Binary,
			binary.LittleEndian.AppendUint32(nil, uint32(i)),
			binary.LittleEndian.AppendUint32(nil, uint32(next)),
		}
	}
	b := make([]byte, c.Size)
	if c.Text && c.Compression {
		b = fmt.Appendf(b[:0], "%d|", i)
		for len(b) < c.Size {
			b = fmt.Appendf(b, `{"symbol":"%c%c%c","bid":%d.%02d,"ask":%d.%02d,"volume":%d,"trader":"%x"},`, 'A'+random.IntN(26), 'A'+random.IntN(26), 'A'+random.IntN(26),
				random.IntN(500), random.IntN(100), random.IntN(500), random.IntN(100), random.IntN(100000), random.Uint32())
		}
		b = b[:c.Size]
		return message{wire.Text, b, b}
	}
	if c.Text {
		const letters = "abcdefghijklmnopqrstuvwxyz "
		for j := range b {
			b[j] = letters[random.IntN(len(letters))]
		}
		copy(b, fmt.Sprintf("%d|", i))
		return message{wire.Text, b, b}
	}
	for j := range b {
		b[j] = byte(random.Uint32())
	}
	copy(b, binary.LittleEndian.AppendUint16(nil, uint16(i)))
	return message{wire.Binary, b, b}
}

func sameJSON(a, b []byte) bool {
	var x, y struct{ Number *int }
	strict := func(b []byte, v any) error {
		d := json.NewDecoder(bytes.NewReader(b))
		d.DisallowUnknownFields()
		if err := d.Decode(v); err != nil {
			return err
		}
		if _, err := d.Token(); err != io.EOF {
			return errors.New("more than one value")
		}
		return nil
	}
	return strict(a, &x) == nil && strict(b, &y) == nil && x.Number != nil && *x.Number == *y.Number
}
