package live

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing/synctest"
	"time"

	"github.com/wsproof/wsproof/fuzz/input"
	"github.com/wsproof/wsproof/internal/vector"
	"github.com/wsproof/wsproof/internal/wire"
	"github.com/wsproof/wsproof/websocket"
)

// Options sets one option alone: the first byte of the input says by which function the
// connection is made, the second one which option, the third one what to. The oracle is
// plain arithmetic: what is set counts, to the nanosecond and to the byte, and what is zero
// or negative stands for the default.
func Options(data []byte) error {
	defer input.Guard()()
	h, value := newOptionHarness(data)
	if h.by == optionsHandler {
		var stop func()
		h.kernel, stop = playKernel()
		defer stop()
	}
	pools.begin()
	err := inBubble(func() error {
		want := value
		if want <= 0 {
			want = h.option.def
		}
		if err := h.check(value, want); err != nil {
			return fmt.Errorf("%s is %d, want what %d does: %w", h.option.name, value, want, err)
		}
		return nil
	})
	return cmp.Or(err, pools.end(unknown))
}

// optionsHead is how many bytes of an input count.
const optionsHead = 3

// By which function a connection is made.
const (
	optionsNew = iota
	optionsAccept
	optionsHandler
	optionsWays
)

var optionsWords = [optionsWays]string{"New", "Accept", "NewHandler, on a socket"}

// An optionHarness has a connection with one option.
type optionHarness struct {
	by     int
	option *option
	kernel *kernel
	pipe   *pipe
	ws     *websocket.Websocket
	last   []byte
	told   int // calls of hooks
	opts   websocket.Options
}

// An option is one of Options.
type option struct {
	name   string
	def    int64
	set    func(h *optionHarness, value int64)
	values []int64
	check  func(h *optionHarness, want int64) error // want is positive, or 0 where that is the default
}

func newOptionHarness(data []byte) (h *optionHarness, value int64) {
	var head [optionsHead]byte
	copy(head[:], data)
	h = &optionHarness{by: int(head[0]) % optionsWays, option: &optionTable[int(head[1])%len(optionTable)]}
	values := append([]int64{0, -1, 1}, h.option.values...)
	return h, values[int(head[2])%len(values)]
}

// never is longer than anything here takes.
const never = time.Hour

// lengths are times to choose, and sizes sizes.
var (
	lengths = []int64{int64(time.Millisecond), int64(7 * time.Second), -int64(time.Second)}
	sizes   = []int64{2, 125, 126, 1000, 70_000, -1000}
)

var optionTable = []option{
	{"ReadTimeout", 0, func(h *optionHarness, v int64) { h.opts.ReadTimeout = time.Duration(v) }, lengths, func(h *optionHarness, want int64) error {
		return h.closesAfter(want, 1008)
	}},
	{"MessageTimeout", 0, func(h *optionHarness, v int64) { h.opts.MessageTimeout = time.Duration(v) }, lengths, func(h *optionHarness, want int64) error {
		time.Sleep(time.Second)
		h.say(wire.Text, false, "part")
		return h.closesAfter(want, 1008)
	}},
	{"WriteTimeout", 0, func(h *optionHarness, v int64) { h.opts.WriteTimeout = time.Duration(v) }, lengths, (*optionHarness).checkWriteTimeout},
	{"PingInterval", 0, func(h *optionHarness, v int64) { h.opts.PingInterval = time.Duration(v) }, lengths, func(h *optionHarness, want int64) error {
		begin := time.Now()
		time.Sleep(never)
		for _, f := range h.frames() {
			if f.Opcode == wire.Ping {
				return same(int64(f.at.Sub(begin)), want)
			}
		}
		return same(0, want)
	}},
	{"CloseTimeout", int64(5 * time.Second), func(h *optionHarness, v int64) { h.opts.CloseTimeout = time.Duration(v) }, lengths, func(h *optionHarness, want int64) error {
		begin := time.Now()
		_ = h.ws.Close()
		time.Sleep(never)
		h.calm()
		return same(int64(h.pipe.ended.Sub(begin)), want)
	}},
	{"MaxFrameSize", 16 << 10, func(h *optionHarness, v int64) { h.opts.MaxFrameSize = int(v) }, sizes, (*optionHarness).checkFrameSize},
	{"MaxMessageSize", 256 << 10, func(h *optionHarness, v int64) { h.opts.MaxMessageSize = int(v) }, append([]int64{300_000}, sizes...), (*optionHarness).checkMessageSize},
	{"MaxPending", 4 << 20, func(h *optionHarness, v int64) { h.opts.MaxPending = int(v) }, sizes, (*optionHarness).checkMaxPending},
	{"LingerBytes", 1 << 20, func(h *optionHarness, v int64) { h.opts.LingerBytes = int(v) }, sizes, (*optionHarness).checkLinger},
	{"ParkAfter", int64(160 * time.Millisecond), func(h *optionHarness, v int64) { h.opts.ParkAfter = time.Duration(v) }, []int64{int64(never), -int64(never)}, (*optionHarness).checkParked},
	{"ReuseBuffers", 0, func(h *optionHarness, v int64) { h.opts.ReuseBuffers = v > 0 }, nil, (*optionHarness).checkReuse},
	{"Compression", 0, func(h *optionHarness, v int64) {
		if v > 0 {
			h.opts.Compression = &websocket.Compression{}
		}
	}, nil, (*optionHarness).checkCompression},
	{"Subprotocols", 0, func(h *optionHarness, v int64) {
		if v > 0 {
			h.opts.Subprotocols = []string{"spoken"}
		}
	}, nil, func(h *optionHarness, want int64) error {
		if h.by == optionsNew {
			return nil // not for New
		}
		return same(int64(len(h.ws.Subprotocol())), want*int64(len("spoken")))
	}},
	{"OnClose", 0, func(h *optionHarness, v int64) {
		if v > 0 {
			h.opts.Hooks.OnClose = func(websocket.ClientKey, websocket.StatusCode, error) { h.told++ }
		}
	}, nil, (*optionHarness).checkTold},
	{"OnReadError", 0, func(h *optionHarness, v int64) {
		if v > 0 {
			h.opts.Hooks.OnReadError = func(websocket.ClientKey, error) { h.told++ }
		}
	}, nil, (*optionHarness).checkTold},
	{"OnReadFrame", 0, func(h *optionHarness, v int64) {
		if v > 0 {
			h.opts.Hooks.OnReadFrame = func(websocket.ClientKey, *websocket.Frame) { h.told++ }
		}
	}, nil, (*optionHarness).checkTold},
	{"OnReadMessage", 0, func(h *optionHarness, v int64) {
		if v > 0 {
			h.opts.Hooks.OnReadMessage = func(websocket.ClientKey, *websocket.Message) { h.told++ }
		}
	}, nil, (*optionHarness).checkTold},
	{"OnWriteError", 0, func(h *optionHarness, v int64) {
		if v > 0 {
			h.opts.Hooks.OnWriteError = func(websocket.ClientKey, error) { h.told++ }
		}
	}, nil, (*optionHarness).checkTold},
	{"OnWriteFrame", 0, func(h *optionHarness, v int64) {
		if v > 0 {
			h.opts.Hooks.OnWriteFrame = func(websocket.ClientKey, *websocket.Frame) { h.told++ }
		}
	}, nil, (*optionHarness).checkTold},
	{"OnWriteMessage", 0, func(h *optionHarness, v int64) {
		if v > 0 {
			h.opts.Hooks.OnWriteMessage = func(websocket.ClientKey, *websocket.Message) { h.told++ }
		}
	}, nil, (*optionHarness).checkTold},
}

func same(got, want int64) error {
	if got != want {
		return fmt.Errorf("it does what %d does", got)
	}
	return nil
}

// check opens a connection, has the option checked, and sees it end.
func (h *optionHarness) check(value, want int64) error {
	h.option.set(h, value)
	h.pipe = newPipe()
	defer func() {
		h.pipe.set(func() { h.pipe.stalled, h.pipe.eof = false, true })
		time.Sleep(never)
	}()
	r := handlerRequest().Clone(context.Background())
	r.Header.Set("Sec-WebSocket-Protocol", "other, spoken")
	r.Header.Set("Sec-WebSocket-Extensions", "permessage-deflate")
	w := &pipeWriter{conn: netPipe{h.pipe}, header: http.Header{}}
	var err error
	switch h.by {
	case optionsNew:
		h.ws = websocket.New(h.pipe, "", websocket.ServerMode, h.opts)
	case optionsAccept:
		h.pipe.answers = true
		h.ws, err = websocket.Accept(w, r, h.opts)
	case optionsHandler:
		h.pipe.answers = true
		w.conn = h.kernel.socket(h.pipe)
		h.opts.OnOpen = func(ws *websocket.Websocket, _ *http.Request) { h.ws = ws }
		handler := websocket.NewHandler(h.handle, h.opts)
		handler.ServeHTTP(w, r)
		defer func() { _ = handler.Shutdown(context.Background()) }()
		if h.option.name == "ParkAfter" {
			time.Sleep(2 * time.Second)
			return h.parks(handler.Parked(), want, value)
		}
	}
	if err != nil || h.ws == nil {
		return fmt.Errorf("the connection was refused: %w", err)
	}
	if h.by != optionsHandler {
		go h.ws.Serve(context.Background(), h.handle)
	}
	return h.option.check(h, want)
}

// handle echoes, and keeps what it got.
func (h *optionHarness) handle(_ context.Context, msg *websocket.Message) (*websocket.Message, error) {
	h.last = msg.Payload
	return msg, nil
}

// say has the peer send a frame.
func (h *optionHarness) say(opcode byte, fin bool, payload string) {
	f := wire.Frame{Fin: fin, Opcode: opcode, Masked: true, Key: [4]byte{5, 6, 7, 8}, Payload: []byte(payload)}
	h.pipe.set(func() { h.pipe.in = f.Append(h.pipe.in) })
	h.calm()
}

func (h *optionHarness) calm() {
	synctest.Wait()
}

// frames are those that were sent.
func (h *optionHarness) frames() []sentFrame {
	h.pipe.mu.Lock()
	defer h.pipe.mu.Unlock()
	return slices.Clone(h.pipe.frames)
}

// closed returns the code of the Close that was sent, and when: 0, if none was.
func (h *optionHarness) closed() (code uint16, at time.Time) {
	for _, f := range h.frames() {
		if f.Opcode == wire.Close {
			return input.CloseCode(f.Payload), f.at
		}
	}
	return 0, at
}

// closesAfter checks that a Close is sent after a time, or never if that is 0.
func (h *optionHarness) closesAfter(want int64, code uint16) error {
	begin := time.Now()
	time.Sleep(never)
	got, at := h.closed()
	if got == 0 {
		return same(0, want)
	}
	if got != code {
		return fmt.Errorf("a Close with %d was sent", got)
	}
	return same(int64(at.Sub(begin)), want)
}

func (h *optionHarness) checkWriteTimeout(want int64) error {
	h.pipe.set(func() { h.pipe.stalled, h.pipe.timeout = true, time.Duration(want) })
	begin := time.Now()
	var took int64
	go func() {
		_ = h.ws.WriteMessage(context.Background(), &websocket.Message{Payload: []byte("waits")})
		took = int64(time.Since(begin))
	}()
	time.Sleep(never)
	h.calm()
	return same(took, want)
}

// checkFrameSize checks the size of what is written and of what is read.
func (h *optionHarness) checkFrameSize(want int64) error {
	if err := h.ws.WriteMessage(context.Background(), &websocket.Message{Binary: true, Payload: make([]byte, 200_000)}); err != nil {
		return err
	}
	if err := same(int64(len(h.frames()[0].Payload)), want); err != nil {
		return err
	}
	h.say(wire.Text, true, strings.Repeat("a", int(want)))
	if code, _ := h.closed(); code != 0 {
		return fmt.Errorf("a frame of that size was answered with a Close with %d", code)
	}
	h.say(wire.Text, true, strings.Repeat("a", int(want)+1))
	if code, _ := h.closed(); code != 1009 {
		return fmt.Errorf("a larger frame was answered with %d", code)
	}
	return nil
}

// checkMessageSize sends messages of that size and of one byte more, in fragments.
func (h *optionHarness) checkMessageSize(want int64) error {
	for more := range 2 {
		opcode := wire.Text
		for left := int(want) + more; left > 0; {
			n := min(left, websocket.DefaultMaxFrameSize)
			left -= n
			h.say(opcode, left == 0, strings.Repeat("a", n))
			opcode = wire.Continuation
		}
		if code, _ := h.closed(); code != [2]uint16{0, 1009}[more] {
			return fmt.Errorf("a message of %d bytes was answered with a Close with %d", int(want)+more, code)
		}
	}
	return nil
}

// checkMaxPending has as many bytes of echoes wait as may, to the byte.
func (h *optionHarness) checkMaxPending(want int64) error {
	h.pipe.set(func() { h.pipe.stalled = true })
	for left := int(want); left >= 2+1; {
		n := min(left, websocket.DefaultMaxFrameSize) - 4
		switch {
		case n < 126:
			n = min(left-2, 125)
		case left-4-n == 1 || left-4-n == 2: // too little for another frame
			n -= 3
		}
		f := wire.Frame{Fin: true, Opcode: wire.Text, Payload: make([]byte, n)}
		left -= len(f.Append(nil))
		h.say(wire.Text, true, strings.Repeat("a", n))
	}
	h.say(wire.Text, true, "b") // for which there is room, or nothing waits yet
	read := h.pipe.consumed
	if len(h.pipe.in) > 0 {
		return fmt.Errorf("%d bytes are not read", len(h.pipe.in))
	}
	h.say(wire.Text, true, "c")
	if h.pipe.consumed != read {
		return fmt.Errorf("more was read while more waited")
	}
	return nil
}

// checkLinger has a connection fail, and sends more than it drops.
func (h *optionHarness) checkLinger(want int64) error {
	h.pipe.set(func() { h.pipe.in = append(h.pipe.in, 0x81, 0x01, 'a') }) // not masked
	h.calm()
	read := h.pipe.consumed
	h.pipe.set(func() { h.pipe.in = append(h.pipe.in, make([]byte, want+5000)...) })
	h.calm()
	if !h.pipe.isClosed() {
		return fmt.Errorf("the connection goes on")
	}
	return same(int64(h.pipe.consumed-read), want)
}

func (h *optionHarness) checkParked(int64) error { return nil } // only connections of NewHandler are

// parks checks how many connections are parked after 2 s.
func (h *optionHarness) parks(parked int, want, value int64) error {
	if value < 0 || want > int64(10*time.Second) || !canPark {
		want = 0
	}
	return same(int64(parked), min(want, 1))
}

// checkReuse checks whether what the handler got is its own.
func (h *optionHarness) checkReuse(want int64) error {
	h.say(wire.Text, true, "the handler's own")
	first := h.last
	h.say(wire.Text, true, "THE HANDLER'S OWN")
	if kept := string(first) == "the handler's own"; kept != (want == 0) {
		return fmt.Errorf("what the handler got was its own: %t", kept)
	}
	return nil
}

func (h *optionHarness) checkCompression(want int64) error {
	if err := h.ws.WriteMessage(context.Background(), &websocket.Message{Payload: []byte(strings.Repeat("again and ", 50))}); err != nil {
		return err
	}
	_, agreed := h.ws.Compression()
	if agreed != (want != 0) {
		return fmt.Errorf("compression was agreed on: %t", agreed)
	}
	return same(int64(h.frames()[0].RSV/4), want)
}

// checkTold has happen what each hook is told of, once.
func (h *optionHarness) checkTold(want int64) error {
	h.say(wire.Text, true, "hello")
	if strings.HasPrefix(h.option.name, "OnWriteE") {
		h.pipe.set(func() { h.pipe.writeErr = errFault })
		h.say(wire.Text, true, "fails")
	}
	h.pipe.set(func() { h.pipe.readErr = errFault })
	h.calm()
	return same(int64(h.told), want)
}

func explainOptions(data []byte) string {
	h, value := newOptionHarness(data)
	return fmt.Sprintf("a connection by %s with %s = %d alone", optionsWords[h.by], h.option.name, value)
}

// seedOptions takes everything.
func seedOptions([]vector.Vector) ([][]byte, error) {
	var seeds [][]byte
	for by := range optionsWays {
		for i := range optionTable {
			for v := range 3 + len(optionTable[i].values) {
				seeds = append(seeds, []byte{byte(by), byte(i), byte(v)})
			}
		}
	}
	return seeds, nil
}
