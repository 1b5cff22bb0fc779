package conformance

import (
	"fmt"
	"strings"
	"time"

	"github.com/wsproof/wsproof/internal/wire"
)

// A LogKind says what an entry of a wire log records. The values are those of
// the original suite's wire logs.
type LogKind string

// The kinds of log entries.
const (
	SentOctets      LogKind = "TO"
	ReceivedOctets  LogKind = "RO"
	SentFrame       LogKind = "TF"
	ReceivedFrame   LogKind = "RF"
	WaitSet         LogKind = "CT"
	WaitOver        LogKind = "CTE"
	FailAfterSet    LogKind = "KL"
	FailAfterOver   LogKind = "KLE"
	CloseAfterSet   LogKind = "TI"
	CloseAfterOver  LogKind = "TIE"
	Note            LogKind = "NOTE" // ours: a remark of the tester, in Text
	loggedOctets            = 256    // of a payload or write that a log keeps
	loggedFrames            = 24     // frame entries of one direction that a log keeps
	loggedTransfers         = 24     // octet entries of one direction that a log keeps
)

// A LogEntry is one thing that the tester did or saw.
type LogEntry struct {
	At     time.Duration // since the case began
	Kind   LogKind
	Data   []byte // the first octets of the payload or transfer
	Length int    // all of its octets
	Opcode byte
	Fin    bool
	RSV    byte
	Masked bool
	Key    [4]byte
	Chop   int
	Sync   bool
	Delay  time.Duration
	Tag    string
	Text   string
}

// String is the entry as a line of text.
func (e LogEntry) String() string {
	at := fmt.Sprintf("%7.3f s  ", e.At.Seconds())
	switch e.Kind {
	case SentOctets:
		return fmt.Sprintf("%s→ %d octets %s", at, e.Length, show(e.Data, e.Length))
	case ReceivedOctets:
		return fmt.Sprintf("%s← %d octets %s", at, e.Length, show(e.Data, e.Length))
	case SentFrame, ReceivedFrame:
		arrow := "→"
		if e.Kind == ReceivedFrame {
			arrow = "←"
		}
		return at + arrow + " " + e.frame()
	case WaitSet:
		return at + "  waits " + e.Delay.String()
	case WaitOver:
		return at + "  the wait is over"
	case FailAfterSet:
		return at + "  will fail the connection after " + e.Delay.String()
	case FailAfterOver:
		return at + "  fails the connection"
	case CloseAfterSet:
		return at + "  will close after " + e.Delay.String()
	case CloseAfterOver:
		return at + "  closes"
	}
	return at + "  " + e.Text
}

// frame describes the frame of a frame entry.
func (e LogEntry) frame() string {
	var b strings.Builder
	b.WriteString(opcodeName(e.Opcode))
	if e.Fin {
		b.WriteString(" FIN")
	}
	for i, name := range []string{"RSV1", "RSV2", "RSV3"} {
		if e.RSV&(4>>i) != 0 {
			b.WriteString(" " + name)
		}
	}
	if e.Masked {
		fmt.Fprintf(&b, " masked %x", e.Key)
	}
	fmt.Fprintf(&b, ", %d octets", e.Length)
	payload := e.Data
	if e.Opcode == wire.Close && len(payload) >= 2 {
		fmt.Fprintf(&b, ", code %d", int(payload[0])<<8|int(payload[1]))
		payload = payload[2:]
	}
	if len(payload) > 0 {
		b.WriteString(", " + show(payload, e.Length-len(e.Data)+len(payload)))
	}
	if e.Chop > 0 {
		fmt.Fprintf(&b, ", in writes of %d", e.Chop)
	}
	return b.String()
}

func opcodeName(op byte) string {
	switch op {
	case wire.Continuation:
		return "continuation"
	case wire.Text:
		return "text"
	case wire.Binary:
		return "binary"
	case wire.Close:
		return "Close"
	case wire.Ping:
		return "Ping"
	case wire.Pong:
		return "Pong"
	}
	return fmt.Sprintf("opcode %d", op)
}

// A wireLog collects entries, bounded in number and size.
type wireLog struct {
	start   time.Time
	entries []LogEntry
	count   map[LogKind]int
	observe func(LogEntry) // if set, sees each entry kept
}

func newWireLog(observe func(LogEntry)) *wireLog {
	return &wireLog{start: time.Now(), count: make(map[LogKind]int), observe: observe}
}

func (l *wireLog) add(e LogEntry) {
	l.count[e.Kind]++
	limit := 0
	switch e.Kind {
	case SentOctets, ReceivedOctets:
		limit = loggedTransfers
	case SentFrame, ReceivedFrame:
		limit = loggedFrames
		if e.Opcode&8 != 0 {
			limit = 2 * loggedFrames // control frames are few and matter most
		}
	}
	if limit > 0 && l.count[e.Kind] > limit {
		return
	}
	e.At = time.Since(l.start)
	e.Data = append([]byte(nil), e.Data[:min(len(e.Data), loggedOctets)]...)
	l.entries = append(l.entries, e)
	if l.observe != nil {
		l.observe(e)
	}
}

// finish adds what the bounds left out.
func (l *wireLog) finish() {
	for _, k := range []LogKind{SentOctets, ReceivedOctets, SentFrame, ReceivedFrame} {
		kept := 0
		for _, e := range l.entries {
			if e.Kind == k {
				kept++
			}
		}
		if left := l.count[k] - kept; left > 0 {
			what := map[LogKind]string{SentOctets: "writes", ReceivedOctets: "reads", SentFrame: "frames sent", ReceivedFrame: "frames received"}[k]
			l.add(LogEntry{Kind: Note, Text: fmt.Sprintf("%d more %s are not in this log", left, what)})
		}
	}
}
