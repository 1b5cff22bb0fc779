package live

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/wsproof/wsproof/fuzz/input"
	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/vector"
	"github.com/wsproof/wsproof/internal/wire"
	"github.com/wsproof/wsproof/websocket"
	"github.com/wsproof/wsproof/websocket/deflate"
)

// socketBound is the time that a conversation on a socket gets, which takes
// microseconds.
const socketBound = 10 * time.Second

// Socket has Serve answer a transcript on a socket of the kernel, whose ways of reading
// and writing differ from those of other transports. The first byte of the input chooses
// the options, the second one whether, and after how many bytes, the peer is gone with what
// it has not read (runReset). Meanwhile other goroutines write. The peer reads as it writes,
// or only when it has written all. A server's may be one of NewHandler: before pieces of
// what it gets it is then parked, and goes on when they come.
//
// Oracles: those of a transcript, for the echoes that come back; what other goroutines
// wrote is there once, whole and in their order; the end of the transport comes after
// the last byte, not as a reset; all calls return.
func Socket(data []byte) error {
	defer input.Guard()()
	g := input.TranscriptGenerators.Get().(*input.TranscriptGenerator)
	defer input.TranscriptGenerators.Put(g)
	h := &socketHarness{closed: make(chan struct{})}
	var head [socketHead]byte
	data = data[copy(head[:], data):]
	h.opt, h.reset = socketOptions(head[0]), head[1]
	h.t = g.Generate(data)
	limits := h.t.Limits
	if limits.Frame <= 0 {
		limits.Frame = websocket.DefaultMaxFrameSize
	}
	if limits.Message <= 0 {
		limits.Message = websocket.DefaultMaxMessageSize
	}
	own := *h.t
	own.Limits = limits
	h.want = own.Want()
	run := h.run
	if h.reset != 0 {
		run = h.runReset
	}
	pools.begin()
	return cmp.Or(run(), pools.end(unknown))
}

// socketHead is how many bytes of an input of target Socket choose the options.
const socketHead = 2

// socketOptions are that byte.
type socketOptions byte

const (
	socketReuse        socketOptions = 1 << iota
	socketSmallPending               // MaxPending is small, and the peer reads as it writes
	socketSlow                       // few bytes fit into the kernel's buffer
	socketWritten                    // other goroutines write
	socketFewHooks                   // none that see frames
	socketLinger                     // LingerBytes is small
	socketReadTimeout                // ReadTimeout is set; with the next one, WriteTimeout alone
	socketMessageTimeout
)

func (o socketOptions) has(bit socketOptions) bool { return o&bit != 0 }

// options returns the options of the connection, without limits and hooks. No timeout of
// them ever comes.
func (o socketOptions) options() websocket.Options {
	opts := websocket.Options{ReuseBuffers: o.has(socketReuse)}
	if o.has(socketSmallPending) {
		opts.MaxPending = smallPending
	}
	if o.has(socketLinger) {
		opts.LingerBytes = smallLinger
	}
	switch o & (socketReadTimeout | socketMessageTimeout) {
	case socketReadTimeout:
		opts.ReadTimeout = connReadTimeout
	case socketMessageTimeout:
		opts.MessageTimeout = connMessageTimeout
	case socketReadTimeout | socketMessageTimeout:
		opts.WriteTimeout = connWriteTimeout
	}
	return opts
}

func (o socketOptions) String() string {
	opts := o.options()
	return fmt.Sprintf("on a socket of the kernel, with ReuseBuffers %t, MaxPending %d (0: the default), ReadTimeout %v, MessageTimeout %v, WriteTimeout %v, LingerBytes %d, hooks that see frames %t; few bytes fit into it %t, other goroutines write %t; ",
		opts.ReuseBuffers, opts.MaxPending, opts.ReadTimeout, opts.MessageTimeout, opts.WriteTimeout, opts.LingerBytes, !o.has(socketFewHooks), o.has(socketSlow), o.has(socketWritten))
}

// A socketHarness is a conversation on a socket.
type socketHarness struct {
	opt   socketOptions
	reset byte // the peer is gone when it has read so many bytes, less one; 0: it is not
	t     *input.Transcript
	ws    *websocket.Websocket
	want  model.Outcome
	// Where the connection is parked at times: see parks.
	handler *websocket.HTTPHandler

	mu      sync.Mutex
	got     model.Outcome
	told    told
	closed  chan struct{} // by OnClose
	written [socketWriters][]error
}

const (
	socketWriters  = 2
	socketMessages = 3
	ownPrefix      = "\x00own "
)

func (h *socketHarness) run() error {
	ours, theirs, err := socketPair()
	if err != nil {
		return nil // there are no more sockets: that says nothing
	}
	defer theirs.Close()
	_ = theirs.SetDeadline(time.Now().Add(socketBound))
	if h.opt.has(socketSlow) { // few bytes fit, so that writes take several turns
		_ = ours.(interface{ SetWriteBuffer(int) error }).SetWriteBuffer(4 << 10)
	}
	served, err := h.serve(ours)
	if err != nil {
		return err
	}
	var writers sync.WaitGroup
	if h.opt.has(socketWritten) {
		for w := range socketWriters {
			writers.Go(func() { h.write(w) })
		}
	}
	sent := make(chan error, 1)
	send := func() { sent <- h.send(theirs) }
	if h.opt.has(socketSmallPending) || h.opt.has(socketWritten) { // it must read, too
		go send()
	} else {
		send()
	}
	out, err := io.ReadAll(theirs)
	if err != nil && !h.opt.has(socketLinger) {
		return fmt.Errorf("reading what the connection sent, after %d bytes: %w\n%s", len(out), err, input.Stacks())
	}
	theirs.Close()
	if err := <-sent; err != nil && h.want.End == model.Open && h.want.Rule == "" {
		return fmt.Errorf("the connection did not take what the peer sent: %w", err)
	}
	bound := time.NewTimer(socketBound)
	defer bound.Stop()
	ended := make(chan struct{})
	go func() {
		<-served
		writers.Wait()
		<-h.closed
		close(ended)
	}()
	select {
	case <-ended:
	case <-bound.C:
		return fmt.Errorf("the transport has ended, a call has not returned after %v:\n%s", socketBound, input.Stacks())
	}
	return h.judge(h.behindAnswer(out))
}

// runReset is run where the peer closes its end while there is something that it has not
// read: the kernel then fails what this side reads and writes. Oracles: all returns; what
// OnClose and the writers are told is the end of the bytes, the fault of the kernel, by its
// name and with its addresses, or what the transcript ends with.
func (h *socketHarness) runReset() error {
	ours, theirs, err := socketPair()
	if err != nil {
		return nil // there are no more sockets: that says nothing
	}
	_ = theirs.SetDeadline(time.Now().Add(socketBound))
	mode, opts := h.options()
	h.ws = websocket.New(ours, "fuzz", mode, opts)
	var all sync.WaitGroup
	all.Go(func() { h.ws.Serve(context.Background(), h.handle) })
	if h.opt.has(socketWritten) {
		for w := range socketWriters {
			all.Go(func() { h.write(w) })
		}
	}
	all.Go(func() { _ = h.send(theirs) })
	_, _ = io.CopyN(io.Discard, theirs, int64(h.reset-1))
	theirs.Close()
	ended := make(chan struct{})
	go func() {
		all.Wait()
		<-h.closed
		close(ended)
	}()
	bound := time.NewTimer(socketBound)
	defer bound.Stop()
	select {
	case <-ended:
	case <-bound.C:
		return fmt.Errorf("the peer is gone, a call has not returned after %v:\n%s", socketBound, input.Stacks())
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.told.closes != 1 {
		return fmt.Errorf("OnClose was called %d times", h.told.closes)
	}
	if err := h.checkFault(h.told.err); err != nil {
		return fmt.Errorf("OnClose: %w", err)
	}
	for _, errs := range h.written {
		for _, err := range errs {
			if err := h.checkFault(err); err != nil {
				return fmt.Errorf("WriteMessage: %w", err)
			}
		}
	}
	return nil
}

// checkFault checks an error of a connection whose peer is gone.
func (h *socketHarness) checkFault(err error) error {
	var e *websocket.Error
	var op *net.OpError
	var call *os.SyscallError
	switch {
	case err == nil, errors.Is(err, net.ErrClosed):
		return nil
	case !errors.As(err, &e):
		return fmt.Errorf("%w is no *Error", err)
	case h.want.Rule != "" && e.Code() != websocket.StatusAbnormalClose:
		return nil
	case e.Code() != websocket.StatusAbnormalClose:
		return fmt.Errorf("%w has the code %d", err, e.Code())
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil
	case !errors.As(err, &op), !errors.As(op.Err, &call):
		return fmt.Errorf("%w is no fault of the kernel", err)
	case op.Op != "read" && op.Op != "write", call.Syscall != op.Op, op.Net != "unix", op.Source == nil, op.Addr == nil:
		return fmt.Errorf("%w is a fault of %q in %q of %q from %v to %v", err, call.Syscall, op.Op, op.Net, op.Source, op.Addr)
	case !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE):
		return fmt.Errorf("%w is a fault that the peer cannot cause", err)
	}
	return nil
}

// options returns the role of the connection, and its options.
func (h *socketHarness) options() (websocket.Mode, websocket.Options) {
	opts := h.opt.options()
	opts.MaxFrameSize, opts.MaxMessageSize = h.t.Limits.Frame, h.t.Limits.Message
	if d := h.t.Deflate; d != nil {
		opts.Compression = &websocket.Compression{
			ServerWindowBits: d.ServerMaxWindowBits, ClientWindowBits: d.ClientMaxWindowBits,
			ServerNoContextTakeover: d.ServerNoContextTakeover, ClientNoContextTakeover: d.ClientNoContextTakeover,
			Level: deflate.Level(len(h.t.Input) & 1), Threshold: len(h.t.Input) & 30,
		}
	}
	mode := websocket.ServerMode
	if h.t.Role == model.Client {
		mode = websocket.ClientMode
	}
	locked := func(f func()) {
		h.mu.Lock()
		defer h.mu.Unlock()
		f()
	}
	opts.Hooks = websocket.Hooks{
		OnClose: func(_ websocket.ClientKey, code websocket.StatusCode, err error) {
			locked(func() {
				if h.told.closes++; h.told.closes == 1 {
					h.told.code, h.told.err = code, err
					close(h.closed)
				}
			})
		},
		OnReadFrame: func(_ websocket.ClientKey, f *websocket.Frame) {
			locked(func() {
				frame := wire.Frame{Fin: f.Fin(), Opcode: byte(f.Opcode()), Payload: bytes.Clone(f.Payload)}
				if f.RSV1() {
					frame.RSV = 4
				}
				h.told.read = append(h.told.read, frame)
			})
		},
	}
	if h.opt.has(socketFewHooks) {
		opts.Hooks.OnReadFrame = nil
	}
	return mode, opts
}

func (h *socketHarness) handle(_ context.Context, msg *websocket.Message) (*websocket.Message, error) {
	m := model.Message{Binary: msg.Binary, Payload: bytes.Clone(msg.Payload)}
	h.mu.Lock()
	h.got.Messages = append(h.got.Messages, m)
	h.mu.Unlock()
	if len(m.Payload)%4 == 3 { // not in place
		return &websocket.Message{Binary: m.Binary, Payload: bytes.Clone(m.Payload)}, nil
	}
	return msg, nil
}

// write writes messages of several sizes.
func (h *socketHarness) write(w int) {
	for i := range socketMessages {
		payload := h.own(w, i)
		err := h.ws.WriteMessage(context.Background(), &websocket.Message{Binary: true, Payload: payload})
		for i := range payload { // it is ours again
			payload[i] = '!'
		}
		h.mu.Lock()
		h.written[w] = append(h.written[w], err)
		h.mu.Unlock()
	}
}

func (h *socketHarness) own(w, i int) []byte {
	p := fmt.Appendf(nil, "%s%d %d ", ownPrefix, w, i)
	return append(p, bytes.Repeat([]byte{byte(i)}, [socketMessages]int{0, 5000, 300000}[i]>>w)...)
}

// send has the peer send the transcript, in pieces.
func (h *socketHarness) send(theirs net.Conn) error {
	input, sizes := h.t.Input, h.t.Sizes
	parked := 0
	for turn := 0; len(input) > 0; turn++ {
		n := len(input)
		if h.parks() && parked < mostParks && sizes[turn%len(sizes)]%3 != 0 {
			h.awaitPark()
			if parked++; parked == 1 {
				if err := inherited(); err != nil {
					return err
				}
			}
		}
		if turn < 64 && len(sizes) > 0 {
			n = min(n, sizes[turn%len(sizes)])
		}
		if _, err := theirs.Write(input[:n]); err != nil {
			return err
		}
		input = input[n:]
	}
	return theirs.(interface{ CloseWrite() error }).CloseWrite()
}

// judge checks what the connection sent.
func (h *socketHarness) judge(out []byte) error {
	var echoes []model.Message
	var message model.Message
	var order [socketWriters]int
	inflate := inflater{sender: h.t.Role, deflate: h.t.Deflate}
	for _, f := range input.Split(out) {
		if f.Cut && h.overLinger() {
			return h.judgeBeginning(echoes)
		}
		if f.Cut && h.want.End == model.Open && h.opt.has(socketWritten) {
			break // a message was begun when the peer had ended
		}
		if f.Cut {
			return fmt.Errorf("the bytes sent end inside a frame: %x", input.Clip(out[f.Start:]))
		}
		if f.Frame.Masked != (h.t.Role == model.Client) {
			return fmt.Errorf("a %v sent a frame with masking: %t", h.t.Role, f.Frame.Masked)
		}
		if len(h.got.Codes) > 0 {
			h.got.AfterClose++
		}
		switch f.Frame.Opcode {
		case wire.Pong:
			h.got.Pongs = append(h.got.Pongs, f.Frame.Payload)
		case wire.Close:
			h.got.Codes = append(h.got.Codes, input.CloseCode(f.Frame.Payload))
		default:
			if f.Frame.Opcode != wire.Continuation {
				message = model.Message{Binary: f.Frame.Opcode == wire.Binary}
				inflate.compressed = f.Frame.RSV == 4
			}
			message.Payload = append(message.Payload, f.Frame.Payload...)
			if !f.Frame.Fin {
				continue
			}
			if err := inflate.message(&message); err != nil {
				return fmt.Errorf("message %d came back: %w", len(echoes)+1, err)
			}
			if !bytes.HasPrefix(message.Payload, []byte(ownPrefix)) {
				echoes = append(echoes, message)
				continue
			}
			w := int(message.Payload[len(ownPrefix)]-'0') % socketWriters
			if want := h.own(w, order[w]); !bytes.Equal(message.Payload, want) {
				return fmt.Errorf("message %d of goroutine %d: %s", order[w], w, input.Differ(message.Payload, want))
			}
			order[w]++
		}
	}
	if len(h.got.Codes) == 0 && h.overLinger() {
		return h.judgeBeginning(echoes)
	}
	if !slices.EqualFunc(echoes, h.got.Messages, func(a, b model.Message) bool { return a.Binary == b.Binary && bytes.Equal(a.Payload, b.Payload) }) {
		return fmt.Errorf("%d messages came back that are not the %d delivered: %v, want %v", len(echoes), len(h.got.Messages), echoes, h.got.Messages)
	}
	for w, errs := range h.written {
		for i, err := range errs {
			if (err == nil) != (i < order[w]) {
				return fmt.Errorf("message %d of goroutine %d is sent: %t, WriteMessage returned %v", i, w, i < order[w], err)
			}
		}
	}
	return h.judgeEnd()
}

// An inflater inflates what a connection sends, by the model.
type inflater struct {
	sender     model.Role
	deflate    *model.Deflate
	compressed bool // the message is
	window     []byte
}

func (f *inflater) message(m *model.Message) error {
	switch {
	case !f.compressed:
		return nil
	case f.deflate == nil:
		return errors.New("it is compressed, which was not agreed on")
	}
	size := f.deflate.Window(f.sender)
	got := model.Inflate(f.window, m.Payload, size)
	if got.Rule != "" {
		return fmt.Errorf("its payload breaks %s", got.Rule)
	}
	m.Payload = got.Output
	if f.deflate.Takeover(f.sender) {
		f.window = append(f.window, got.Output...)
		f.window = bytes.Clone(f.window[max(0, len(f.window)-size):])
	}
	return nil
}

// overLinger tells whether the peer sent more behind the end than is read there:
// where it had not read by then, it may lose what it was sent last.
func (h *socketHarness) overLinger() bool {
	return h.opt.has(socketLinger) && h.want.End != model.Open && len(h.t.Input)-h.want.Offset >= smallLinger-maxHeader
}

// judgeBeginning checks what came back before the rest was lost.
func (h *socketHarness) judgeBeginning(echoes []model.Message) error {
	if len(echoes) > len(h.got.Messages) {
		return fmt.Errorf("%d messages came back, %d were delivered", len(echoes), len(h.got.Messages))
	}
	for i, e := range echoes {
		if w := h.got.Messages[i]; e.Binary != w.Binary || !bytes.Equal(e.Payload, w.Payload) {
			return fmt.Errorf("message %d came back as %v, it was delivered as %v", i+1, e, w)
		}
	}
	return nil
}

// judgeEnd checks the end, and what the hooks were told.
func (h *socketHarness) judgeEnd() error {
	t := &h.told
	if t.closes != 1 {
		return fmt.Errorf("OnClose was called %d times", t.closes)
	}
	switch {
	case t.err == nil:
		h.got.End, h.got.Code, h.got.Reason = model.Closed, uint16(t.code), h.want.Reason
	case !errors.Is(t.err, io.EOF) && !errors.Is(t.err, io.ErrUnexpectedEOF):
		h.got.End = model.Failed
	}
	if err := model.Check(h.want, h.got); err != nil {
		return fmt.Errorf("OnClose was told %d and %v: %w", t.code, t.err, err)
	}
	spans := input.Split(h.t.Input)
	for i := range t.read {
		if i >= len(spans) || !sameFrame(&t.read[i], &spans[i].Frame) {
			return fmt.Errorf("OnReadFrame saw %v as frame %d of %d", t.read[i], i+1, len(spans))
		}
	}
	return nil
}

func explainSocket(data []byte) string {
	var o socketOptions
	var head [socketHead]byte
	data = data[copy(head[:], data):]
	o = socketOptions(head[0])
	if head[1] != 0 {
		return fmt.Sprintf("%sthe peer is gone when it has read %d bytes; %s", o, head[1]-1, input.Annotate(input.NewTranscriptGenerator().Generate(data)))
	}
	return o.String() + input.Annotate(input.NewTranscriptGenerator().Generate(data))
}

// seedSocket takes every fourth vector, pseudo-random transcripts, and messages of sizes
// around which a socket's ways change.
func seedSocket(vectors []vector.Vector) ([][]byte, error) {
	var seeds [][]byte
	add := func(n int, transcript []byte) {
		reset := byte(0)
		if n%8 == 3 {
			reset = byte(1 + n&0x7f)
		}
		seeds = append(seeds, append([]byte{byte(socketSeedOptions(n)), reset}, transcript...))
	}
	for i := range vectors {
		if i%4 != 0 && len(vectors) < 1000 {
			continue
		}
		raw, err := input.RawInput(vectors[i].Role, vectors[i].Limits, vectors[i].Input)
		if err != nil {
			return nil, err
		}
		add(i, raw)
	}
	for n := range 32 {
		add(n, input.RandomInput(make([]byte, 3), 17, uint64(n))[3:]) // raw ones among them
	}
	for n := range 32 {
		add(n, largeMessages(n))
		d := model.Deflate{ServerNoContextTakeover: n&1 != 0, ClientNoContextTakeover: n&2 != 0, ServerMaxWindowBits: 8 + n>>2, ClientMaxWindowBits: 15 - n>>2}
		add(n, input.Compressed(d, largeMessages(n)))
		add(n, input.Compressed(d, input.RandomInput(nil, 19, uint64(n))))
	}
	return seeds, nil
}

// socketSeedOptions are options of which each has its turn.
func socketSeedOptions(n int) socketOptions {
	o := socketOptions(n) & (socketReuse | socketSmallPending | socketSlow | socketWritten)
	if n&2 != 0 {
		o |= socketMessageTimeout | socketFewHooks
	}
	return o | socketOptions(n>>4&1)*socketReadTimeout
}

// largeMessages are the decisions for a transcript of messages around the size from
// which a socket's replies are sent from where they were read, with small ones and
// pings between. It is for a server but every eighth time.
func largeMessages(n int) []byte {
	limits := n >> 1 & 4 // frames of at most 16 KiB, or of 64 KiB
	in := []byte{byte(limits<<1 | n<<4&0x70)}
	if n%8 == 7 {
		in[0] |= 1
	}
	message := func(i, size int) {
		in = append(in, 0, 1, byte(i&1), 0, byte(slices.Index(input.Boundaries[:], size)), 0, byte(i), byte(37*i))
	}
	for i, size := range []int{4096, 4097, 5, 8193, 4095, 4096, 125, 8192, 8191, 4097, 126, 65535, 65536} {
		if limits == 0 && size > 16<<10 {
			continue
		}
		message(i+n, size)
		if i%4 == n%4 {
			in = append(in, 12, 2, byte(i), byte(n), byte(i)) // a ping
		}
	}
	return in
}
