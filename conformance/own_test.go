package conformance

import (
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A half is one end of two pipes, of which the one that it writes to can be closed
// alone, as a TCP connection can.
type half struct {
	net.Conn // what it writes to
	in       net.Conn
}

// duplex returns the two ends of a connection in memory.
func duplex() (a, b net.Conn) {
	a1, b1 := net.Pipe()
	a2, b2 := net.Pipe()
	return &half{a1, a2}, &half{b2, b1}
}

func (h *half) Read(b []byte) (int, error) { return h.in.Read(b) }
func (h *half) CloseWrite() error          { return h.Conn.Close() }
func (h *half) Close() error               { h.Conn.Close(); return h.in.Close() }
func (h *half) SetDeadline(t time.Time) error {
	h.Conn.SetDeadline(t)
	return h.in.SetDeadline(t)
}
func (h *half) SetReadDeadline(t time.Time) error { return h.in.SetReadDeadline(t) }

// ownFaults lists rogues, and the cases W.* that must catch each, with the verdict
// that it must get there. Every case has at least one in each of its roles.
var ownFaults = []struct {
	fault string
	ids   string
	want  string
	only  string // the role of the rogue; "": both
}{
	{"takes frames with the wrong mask", "W.1.1 W.1.2 W.1.4", "FAILED/OK", ""},
	{"takes frames with the wrong mask", "W.1.3", "NON-STRICT", ""},
	{"refuses a masking key of zeros", "W.1.5", "FAILED/OK", "server"},
	{"refuses lengths that are not minimal", "W.2.1 W.2.2 W.2.3 W.2.4 W.2.5 W.2.6", "NON-STRICT", ""},
	{"never echoes", "W.2.1 W.2.3 W.2.6", "FAILED/OK", ""},
	{"drops Pongs", "W.2.5 W.5.9 W.7.4", "FAILED/OK", ""},
	{"ignores the top bit", "W.2.7", "FAILED/OK", ""},
	{"waits for lengths with the top bit", "W.2.7", "NON-STRICT", ""},
	{"ends a message where the octets end", "W.2.8", "FAILED/OK", ""},
	{"echoes any code", "W.3.0 W.3.1 W.3.999 W.3.1004 W.3.1005 W.3.1006 W.3.1015 W.3.1016 W.3.1999 W.3.2000 W.3.2999 W.3.5000 W.3.5001 W.3.32768 W.3.65535", "FAILED/OK", ""},
	{"knows no codes but 1000", "W.3.1003 W.3.1007 W.3.1011 W.3.3000 W.3.3999 W.3.4000 W.3.4999", "NON-STRICT", ""},
	{"ignores Close", "W.3.1000 W.3.1012 W.3.1013 W.3.1014 W.3.4999 W.4.4 W.6.3", "OK/UNCLEAN", ""},
	{"closes TCP without a Close", "W.3.1012 W.3.1013 W.3.1014", "NON-STRICT", "server"},
	{"closes TCP without a Close", "W.3.1000 W.3.1011 W.3.3000", "OK/UNCLEAN", "server"},
	{"puts 1005 into its Close", "W.3.1000", "FAILED/OK", ""},
	{"sends every Close back as it is", "W.4.1 W.4.2 W.4.3 W.3.5001", "FAILED/OK", ""},
	{"answers a Close of one octet with 1000", "W.4.1", "NON-STRICT", ""},
	{"takes any reason", "W.4.2 W.4.3", "NON-STRICT", ""},
	{"refuses a Close with a reason", "W.4.4", "NON-STRICT", ""},
	{"takes long Closes", "W.4.5", "NON-STRICT", ""},
	{"takes long pings", "W.5.1 W.5.3", "FAILED/OK", ""},
	{"passes over long Pongs", "W.5.2", "NON-STRICT", ""},
	{"takes fragmented control frames", "W.5.4 W.5.5", "FAILED/OK", ""},
	{"takes fragmented control frames", "W.5.6", "NON-STRICT", ""},
	{"answers only the first of the pings", "W.5.7 W.5.8", "FAILED/OK", ""},
	{"never echoes", "W.5.9 W.5.10 W.7.7 W.7.8 W.12.1 W.12.2 W.12.3", "FAILED/OK", ""},
	{"ignores reserved bits", "W.5.11", "FAILED/OK", ""},
	{"sends its Close twice with data between", "W.6.1 W.6.2 W.3.1000", "FAILED/OK", "server"},
	{"ignores Close", "W.6.1 W.6.2", "OK/UNCLEAN", "client"},
	{"keeps TCP open", "W.6.1 W.6.3", "OK/FAILED BY CLIENT", "server"},
	{"closes TCP without a Close", "W.6.3", "OK/UNCLEAN", ""},
	{"closes TCP without a Close", "W.6.4", "NON-STRICT", ""},
	{"keeps TCP open behind its end", "W.6.5", "NON-STRICT", ""},
	{"checks UTF-8 only in whole messages", "W.7.1 W.7.2 W.7.3", "NON-STRICT", ""},
	{"does not check UTF-8", "W.7.1 W.7.2 W.7.3 W.7.5 W.7.6", "FAILED/OK", ""},
	{"checks UTF-8 frame by frame, when whole", "W.7.4 W.7.7", "FAILED/OK", ""},
	{"takes incomplete sequences", "W.7.5 W.7.6", "FAILED/OK", ""},
	{"answers binary with text", "W.7.8", "FAILED/OK", ""},
	{"takes any request", "W.8.1 W.8.2 W.8.3 W.8.4 W.8.5 W.8.6 W.8.7 W.8.8 W.8.9 W.8.11", "FAILED/OK", "server"},
	{"takes any request", "W.8.10", "NON-STRICT", "server"},
	{"does not say which versions it knows", "W.8.1", "FAILED/OK", "server"},
	{"refuses every request", "W.9.1 W.9.2 W.9.3 W.9.4 W.9.5 W.9.6", "FAILED/OK", "server"},
	{"refuses every request", "W.9.8", "NON-STRICT", "server"},
	{"answers with a wrong key", "W.9.1 W.9.7 W.9.9 W.9.10", "FAILED/OK", "server"},
	{"takes an extension that was not offered", "W.9.5", "FAILED/OK", "server"},
	{"takes a subprotocol that was not offered", "W.9.7", "FAILED/OK", "server"},
	{"takes any response", "W.10.1 W.10.2 W.10.3 W.10.4 W.10.5 W.10.6 W.10.7 W.10.8 W.10.9 W.10.10", "FAILED/OK", "client"},
	{"refuses every response", "W.11.1 W.11.2 W.11.3 W.11.4 W.11.5 W.11.7 W.11.8", "FAILED/OK", "client"},
	{"refuses every response", "W.11.6", "NON-STRICT", "client"},
	{"keeps only the last fragment", "W.12.1", "FAILED/OK", ""},
	{"echoes twice", "W.12.3", "FAILED/OK", ""},
	// What is allowed.
	{"takes at most 50 fragments", "W.12.1 W.12.2", "OK", ""},
	{"answers only the latest of the pings", "W.5.8", "OK", ""},
	{"answers pings when the message is complete", "W.5.9 W.7.4", "OK", ""},
	{"answers Pongs with Pongs", "W.5.10", "OK", ""},
	{"fails with 1011 whatever is wrong", "W.1.1 W.5.11 W.7.5", "OK", ""},
	{"knows no codes but 1000", "W.3.1012", "OK", ""},
	{"takes any subprotocol", "W.9.7", "OK", "server"},
	{"pings all the time", "W.1.1 W.5.7 W.6.1 W.12.3", "OK", ""},
}

// ownRoles are the ways to play a case with a rogue.
var ownRoles = map[string]func(*testing.T, string, *Case) *Result{"server": playServer, "client": playClient}

// TestOwnRogues holds the cases W.* against peers with one fault each.
func TestOwnRogues(t *testing.T) {
	byID := make(map[string]*Case)
	for _, c := range own() {
		byID[c.ID] = c
	}
	caught := make(map[string]bool)
	for _, f := range ownFaults {
		for id := range strings.FieldsSeq(f.ids) {
			c := byID[id]
			if c == nil {
				t.Fatalf("no case %s", id)
			}
			for role, play := range ownRoles {
				if f.only != "" && f.only != role || c.Only != "" && c.Only != role {
					continue
				}
				caught[role+" "+id] = caught[role+" "+id] || f.want != "OK"
				synctest.Test(t, func(t *testing.T) {
					r := play(t, f.fault, c)
					if got := r.Verdict(); got != f.want || (r.Why == "") != (got == "OK") {
						t.Errorf("%s that %s in %s: verdict %s, want %s (%s; %s)\n%s", role, f.fault, id, got, f.want, r.Why, r.Note, logText(r.Log))
					}
				})
			}
		}
	}
	for _, c := range own() {
		for role := range ownRoles {
			if (c.Only == "" || c.Only == role) && !caught[role+" "+c.ID] {
				t.Errorf("%s has no %s that it must catch", c.ID, role)
			}
		}
	}
}

// TestOwnRightPeer: without a fault every case W.* is OK.
func TestOwnRightPeer(t *testing.T) {
	for _, c := range own() {
		for role, play := range ownRoles {
			if c.Only != "" && c.Only != role {
				continue
			}
			synctest.Test(t, func(t *testing.T) {
				if r := play(t, "", c); r.Verdict() != "OK" || r.Why != "" {
					t.Errorf("%s in %s: %s (%s)\n%s", role, c.ID, r.Verdict(), r.Why, logText(r.Log))
				}
			})
		}
	}
}
