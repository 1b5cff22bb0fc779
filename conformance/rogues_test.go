package conformance

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/wsproof/wsproof/internal/opening"
)

// faults lists, for each rogue, the case that must catch it and the verdict
// that it must get there, as a server and as a client where that differs.
var faults = []struct {
	fault  string
	id     string
	server string // "-": has no meaning for a server
	client string // "": as the server; "-": has no meaning for a client
}{
	// What it echoes.
	{"never echoes", "1.1.1", "FAILED/WRONG CODE", ""},
	{"answers text with binary", "1.1.2", "FAILED/WRONG CODE", ""},
	{"answers binary with text", "1.2.1", "FAILED/WRONG CODE", ""},
	{"drops the last octet", "1.1.2", "FAILED/WRONG CODE", ""},
	{"appends an octet", "1.1.1", "FAILED/WRONG CODE", ""},
	{"echoes twice", "1.1.2", "FAILED/OK", ""},
	{"greets with a message", "2.1", "FAILED/OK", ""},
	{"refuses empty messages", "1.1.1", "FAILED", ""},
	{"sets RSV1 in its echo", "1.1.2", "FAILED/WRONG CODE", ""},
	{"echoes with a reserved opcode", "1.1.2", "FAILED/WRONG CODE", ""},
	{"echoes as a continuation of nothing", "1.1.2", "FAILED/WRONG CODE", ""},
	{"begins each fragment anew", "1.1.2", "FAILED/WRONG CODE", ""},
	{"masks as a server, or does not as a client", "1.1.1", "FAILED/WRONG CODE", ""},
	{"writes lengths in too many octets", "1.1.2", "FAILED/WRONG CODE", ""},
	// Lengths and reads.
	{"has no 16-bit length", "1.1.3", "FAILED", ""},
	{"takes 127 for the 64-bit form only", "1.1.4", "FAILED", ""},
	{"reads the 16-bit length as signed", "1.1.6", "FAILED", ""},
	{"has no 64-bit length", "1.1.7", "FAILED", ""},
	{"takes each read for a frame", "1.1.8", "FAILED", ""},
	{"takes messages up to 1 MiB", "9.1.4", "FAILED", ""},
	{"spoils the middle of long messages", "9.1.1", "FAILED/OK", ""},
	{"spoils the middle of long messages", "1.2.6", "FAILED/WRONG CODE", ""},
	{"answers binary with text", "9.2.1", "FAILED/WRONG CODE", ""},
	{"loses every 500th message", "9.7.1", "FAILED/OK", ""},
	{"takes 30 s to echo", "9.1.1", "FAILED/UNCLEAN", ""},
	// Pings and Pongs.
	{"drops Pongs", "2.1", "FAILED/OK", ""},
	{"sends empty Pongs", "2.2", "FAILED/OK", ""},
	{"takes ping octets for text", "2.3", "FAILED", ""},
	{"cuts Pongs at 124 octets", "2.4", "FAILED/OK", ""},
	{"takes long pings", "2.5", "OK/FAILED", ""},
	{"answers pings with pings", "2.2", "FAILED/OK", ""},
	{"sends each Pong twice", "2.10", "NON-STRICT", ""},
	{"sends Pongs without FIN", "2.1", "FAILED/WRONG CODE", ""},
	{"answers Pongs with Pongs", "2.8", "NON-STRICT", ""},
	{"answers pings in pairs, the wrong way round", "2.10", "NON-STRICT", ""},
	{"answers only the latest of the pings", "2.10", "NON-STRICT", ""},
	{"answers only the first of the pings", "2.10", "FAILED/OK", ""},
	// Reserved bits and opcodes.
	{"ignores reserved bits", "3.1", "FAILED", ""},
	{"ignores reserved bits", "3.4", "FAILED", ""},
	{"sees only RSV1", "3.2", "FAILED", ""},
	{"skips reserved non-control opcodes", "4.1.3", "FAILED", ""},
	{"skips reserved control opcodes", "4.2.3", "FAILED", ""},
	{"echoes reserved opcodes", "4.1.1", "OK/FAILED", ""},
	{"echoes reserved opcodes", "4.2.2", "OK/FAILED", ""},
	// Fragments.
	{"takes fragmented control frames", "5.1", "FAILED/OK", ""},
	{"knows no fragments", "5.3", "FAILED", ""},
	{"keeps only the last fragment", "5.3", "FAILED/OK", ""},
	{"puts fragments in the wrong order", "5.4", "FAILED/OK", ""},
	{"echoes each fragment as a message", "5.3", "FAILED/OK", ""},
	{"takes no control frame inside a message", "5.6", "FAILED", ""},
	{"answers pings when the message is complete", "5.6", "FAILED/OK", ""},
	{"answers pings when the message is complete", "5.19", "FAILED/OK", ""},
	{"takes a lone continuation for text", "5.9", "FAILED", ""},
	{"skips a lone continuation", "5.12", "FAILED", ""},
	{"lets a new message replace an open one", "5.18", "FAILED", ""},
	{"refuses empty fragments", "6.1.2", "FAILED", ""},
	{"takes at most 50 fragments", "10.1.1", "FAILED", ""},
	// UTF-8.
	{"checks UTF-8 frame by frame, when whole", "6.2.3", "FAILED", ""},
	{"checks UTF-8 only in whole messages", "6.4.1", "NON-STRICT", ""},
	{"checks UTF-8 only in whole messages", "6.4.4", "NON-STRICT", ""},
	{"does not check UTF-8", "6.3.1", "FAILED", ""},
	{"splits the echo inside a code point, as two messages", "6.5.5", "FAILED/WRONG CODE", ""},
	{"ends text at a NUL", "6.7.1", "FAILED/WRONG CODE", ""},
	{"takes code points up to 7FFFFFFF", "6.8.1", "FAILED", ""},
	{"takes code points up to 7FFFFFFF", "6.10.1", "FAILED", ""},
	{"takes code points up to 7FFFFFFF", "6.11.5", "FAILED", ""},
	{"takes stray continuation octets", "6.12.1", "FAILED", ""},
	{"takes incomplete sequences", "6.13.5", "FAILED", ""},
	{"takes incomplete sequences", "6.14.6", "FAILED", ""},
	{"takes octets fe and ff", "6.16.1", "FAILED", ""},
	{"takes overlong sequences", "6.17.1", "FAILED", ""},
	{"takes overlong sequences", "6.19.2", "FAILED", ""},
	{"takes surrogates", "6.20.1", "FAILED", ""},
	{"takes surrogates", "6.21.1", "FAILED", ""},
	{"refuses noncharacters", "6.22.1", "FAILED", ""},
	{"refuses what is beyond the first plane", "6.9.4", "FAILED", ""},
	{"replaces what is special in text", "6.23.5", "FAILED/WRONG CODE", ""},
	// How it fails connections.
	{"fails with 1007 whatever is wrong", "3.1", "OK/WRONG CODE", ""},
	{"fails with 1002 whatever is wrong", "6.3.1", "OK/WRONG CODE", ""},
	{"fails with 1011 whatever is wrong", "7.9.1", "FAILED/WRONG CODE", ""},
	{"lives on after it failed the connection", "5.15", "FAILED/OK", "-"},
	// Closing.
	{"closes at once", "1.1.1", "FAILED", ""},
	{"closes after the echo", "9.7.1", "FAILED", ""},
	{"closes TCP after the echo", "1.1.1", "OK/UNCLEAN", ""},
	{"closes TCP without a Close", "7.1.1", "OK/UNCLEAN", ""},
	{"never sends a Close", "7.3.3", "OK/UNCLEAN", ""},
	{"ignores Close", "7.3.3", "OK/UNCLEAN", ""},
	{"keeps TCP open", "7.3.3", "OK/FAILED BY CLIENT", "-"},
	{"keeps the handshake open for data", "7.1.3", "FAILED/FAILED BY CLIENT", "-"},
	{"keeps the handshake open for data", "7.1.4", "FAILED/FAILED BY CLIENT", "-"},
	{"answers a Close with a text and a Close", "7.1.5", "FAILED/OK", ""},
	{"refuses an empty Close", "7.3.1", "FAILED/WRONG CODE", ""},
	{"answers a Close of one octet with 1000", "7.3.2", "FAILED/WRONG CODE", ""},
	{"refuses a Close with a reason", "7.3.4", "FAILED/WRONG CODE", ""},
	{"takes long Closes", "7.3.6", "FAILED/WRONG CODE", ""},
	{"takes any reason", "7.5.1", "FAILED/WRONG CODE", ""},
	{"answers a Close with 1011", "7.7.1", "FAILED/WRONG CODE", ""},
	{"knows no codes but 1000", "7.7.2", "FAILED/WRONG CODE", ""},
	{"knows no codes from 3000 on", "7.7.10", "FAILED/WRONG CODE", ""},
	{"echoes any code", "7.9.1", "FAILED/WRONG CODE", ""},
	{"echoes any code", "7.9.4", "FAILED/WRONG CODE", ""},
	{"puts 1005 into its Close", "7.7.1", "OK/UNCLEAN", ""},
	{"puts one octet into its Close", "7.3.3", "OK/UNCLEAN", ""},
	{"puts a reason that is no UTF-8 into its Close", "7.3.3", "OK/UNCLEAN", ""},
	// The opening handshake.
	{"answers with a wrong key", "1.1.1", "FAILED", "-"},
	{"answers 200", "1.1.1", "FAILED", "-"},
	{"takes an extension that was not offered", "1.1.1", "FAILED", "-"},
	{"takes a subprotocol that was not offered", "1.1.1", "FAILED", "-"},
	// Compression: what is negotiated.
	{"knows no compression", "12.1.1", "UNIMPLEMENTED/OK", ""},
	{"knows no compression", "13.7.2", "UNIMPLEMENTED/OK", ""},
	{"offers what cannot be read", "12.1.1", "-", "FAILED"},
	{"ignores the window that it is asked for", "13.3.4", "NON-STRICT", "-"},
	{"ignores the window that it is asked for", "13.4.2", "NON-STRICT", "-"},
	{"answers a larger window than it is asked for", "13.5.4", "NON-STRICT", "-"},
	{"ignores server_no_context_takeover", "13.2.4", "NON-STRICT", "-"},
	{"ignores server_no_context_takeover", "13.6.2", "NON-STRICT", "-"},
	{"answers with a parameter that there is not", "12.1.1", "FAILED", "-"},
	{"answers client_max_window_bits without a value", "12.1.1", "FAILED", "-"},
	{"answers a parameter twice", "13.4.1", "FAILED", "-"},
	{"accepts twice", "13.7.1", "FAILED", "-"},
	{"accepts another extension, too", "12.1.1", "FAILED", "-"},
	// What is sent.
	{"refers back farther than was agreed on", "13.3.4", "FAILED/WRONG CODE", ""},
	{"refers back farther than was agreed on", "13.5.5", "FAILED/WRONG CODE", ""},
	{"refers to earlier messages all the same", "13.2.3", "FAILED/WRONG CODE", ""},
	{"refers to plain messages", "12.1.3", "FAILED/WRONG CODE", ""},
	{"sets RSV1 on plain messages", "12.1.2", "FAILED/WRONG CODE", ""},
	{"sets RSV1 on every fragment", "12.3.2", "FAILED/WRONG CODE", ""},
	{"sets RSV1 and RSV2", "12.3.1", "FAILED/WRONG CODE", ""},
	{"keeps 00 00 ff ff at the end", "12.2.2", "FAILED/WRONG CODE", ""},
	{"drops the last octet of what it compressed", "12.1.2", "FAILED/WRONG CODE", ""},
	{"compresses an octet too few", "12.4.3", "FAILED/OK", ""},
	{"compresses as binary", "12.1.1", "FAILED/OK", ""},
	{"pings with RSV1", "12.1.1", "FAILED/WRONG CODE", ""},
	// What is read.
	{"forgets the messages before", "12.1.4", "FAILED", ""},
	{"inflates the first fragment only", "12.1.11", "FAILED", ""},
	{"loses every 500th message", "12.1.1", "FAILED/OK", ""},
}

// playServer plays a case against a rogue server, in memory.
func playServer(t *testing.T, fault string, c *Case) *Result {
	t.Helper()
	target, err := ParseTarget("ws://rogue/")
	if err != nil {
		t.Fatal(err)
	}
	tester := &Tester{Agent: "rogue", client: &opening.Client{URL: target}, gate: newGate(1)}
	var rogues sync.WaitGroup
	defer rogues.Wait()
	tester.Dial = func(context.Context) (net.Conn, error) {
		mine, theirs := duplex()
		rogues.Go((&rogue{fault: fault, conn: theirs}).accept)
		return mine, nil
	}
	return tester.play(t.Context(), 1, c)
}

// playClient plays a case with a rogue client, in memory.
func playClient(t *testing.T, fault string, c *Case) *Result {
	t.Helper()
	fuzzing := &FuzzingServer{Cases: []*Case{c}}
	mine, theirs := duplex()
	done := make(chan error)
	go func() { done <- (&rogue{fault: fault, conn: theirs}).connect("/runCase?case=1&agent=rogue") }()
	fuzzing.ServeConn(t.Context(), mine)
	if err := <-done; err != nil && c.Opening == nil {
		t.Fatal(err)
	}
	results := fuzzing.Results()
	if len(results) != 1 {
		t.Fatalf("%d results", len(results))
	}
	return results[0]
}

// TestRogues holds the tester against peers with one fault each. In a bubble of
// synctest the waits cost nothing.
func TestRogues(t *testing.T) {
	byID := make(map[string]*Case)
	for _, c := range Catalogue() {
		byID[c.ID] = c
	}
	for _, f := range faults {
		c := byID[f.id]
		if c == nil {
			t.Fatalf("no case %s", f.id)
		}
		check := func(role, want string, play func(*testing.T, string, *Case) *Result) {
			rogue := func(t *testing.T) {
				r := play(t, f.fault, c)
				if got := r.Verdict(); got != want {
					t.Errorf("%s %q in case %s: verdict %s, want %s (%s)\n%s", role, f.fault, f.id, got, want, r.Why, logText(r.Log))
				}
				if r.Why == "" {
					t.Errorf("%s %q in case %s: no reason is given", role, f.fault, f.id)
				}
			}
			t.Run(role+"/"+f.fault+"/"+f.id, func(t *testing.T) { synctest.Test(t, rogue) })
		}
		if f.server != "-" {
			check("server", f.server, playServer)
		}
		if f.client == "" {
			f.client = f.server
		}
		if f.client != "-" {
			check("client", f.client, playClient)
		}
	}
}

func logText(log []LogEntry) string {
	var b strings.Builder
	for _, e := range log {
		b.WriteString(e.String() + "\n")
	}
	return b.String()
}

// TestRightPeer is the counterpart: without a fault every case is passed.
func TestRightPeer(t *testing.T) {
	cases, err := Select("1.*,2.*,3.*,4.*,5.*,6.*,7.*,9.1.1,9.2.1,9.4.3,9.6.3,9.7.2,10.*,12.1.2,12.1.11,12.2.2,12.3.3,12.4.3,12.5.3,13.1.3,13.2.3,13.3.3,13.4.3,13.5.3,13.6.3,13.7.3")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		want := "OK"
		if c.Info {
			want = "INFORMATIONAL"
		}
		synctest.Test(t, func(t *testing.T) {
			if r := playServer(t, "", c); r.Verdict() != want || (r.Why != "" && !c.Info) {
				t.Errorf("server in %s: %s, want %s (%s)\n%s", c.ID, r.Verdict(), want, r.Why, logText(r.Log))
			}
		})
		synctest.Test(t, func(t *testing.T) {
			if r := playClient(t, "", c); r.Verdict() != want || (r.Why != "" && !c.Info) {
				t.Errorf("client in %s: %s, want %s (%s)\n%s", c.ID, r.Verdict(), want, r.Why, logText(r.Log))
			}
		})
	}
}

// TestOwnPings: what the peer pings and pongs of its own changes no verdict, and
// is said. RFC 6455 §5.5.2 and §5.5.3 allow it at any time.
func TestOwnPings(t *testing.T) {
	cases, err := Select("1.1.2,2.1,2.7,2.10,5.6,6.4.1,7.1.1,7.3.3,9.7.1")
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range []string{"pings first", "pings all the time", "sends a Pong with its Close"} {
		for _, c := range cases {
			for role, play := range map[string]func(*testing.T, string, *Case) *Result{"server": playServer, "client": playClient} {
				synctest.Test(t, func(t *testing.T) {
					r := play(t, fault, c)
					if r.Verdict() != "OK" || r.Why != "" || c.Close.ByTester && c.Echo == nil && !strings.Contains(r.Note, "the original suite") {
						t.Errorf("%s that %s in %s: %s (%s; %s)\n%s", role, fault, c.ID, r.Verdict(), r.Why, r.Note, logText(r.Log))
					}
				})
			}
		}
	}
}

// TestWhy holds the sentences that explain a failure: they must name what is
// wrong with this peer.
func TestWhy(t *testing.T) {
	for _, test := range []struct{ fault, id, why string }{
		{"drops Pongs", "2.2", `Pong "Hello, world!" was to come from the server and did not.`},
		{"answers text with binary", "5.3", `Text message "fragment1fragment2" was to come from the server, but binary message "fragment1fragment2" came.`},
		{"skips a lone continuation", "5.9", `Nothing was to come from the server, but text message "Hello, world!" did; and the server should have failed the connection, but left that to the tester.`},
		{"masks as a server, or does not as a client", "1.1.1", "The tester had to fail the connection, because a masked frame came from a server (RFC 6455 5.1)."},
		{"closes TCP without a Close", "7.1.1", "The closing handshake was not completed: the peer closed the TCP connection without a closing handshake."},
		{"ignores Close", "7.3.3", "The closing handshake was not completed: the peer did not answer the Close within 1s."},
		{"keeps TCP open", "7.3.3", "The server left it to the client to close the TCP connection."},
		{"checks UTF-8 only in whole messages", "6.4.1", "The server failed the connection only after wait B; it could have seen the fault before."},
		{"fails with 1007 whatever is wrong", "3.1", "The Close of the server has the code 1007; allowed here: 1002, or none."},
		{"loses every 500th message", "9.7.1", "Only 499 of 1000 messages came back within 1m0s."},
		{"spoils the middle of long messages", "9.1.1", "Message 1 came back with other octets."},
		{"answers with a wrong key", "1.1.1", "There was no connection: the 101 has a wrong Sec-WebSocket-Accept: "},
		{"takes any reason", "7.5.1", "The Close of the server has the code 1000; allowed here: 1002, 1007, or none."},
	} {
		cases, err := Select(test.id)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Test(t, func(t *testing.T) {
			if r := playServer(t, test.fault, cases[0]); !strings.HasPrefix(r.Why, test.why) {
				t.Errorf("%q in %s:\n got %s\nwant %s", test.fault, test.id, r.Why, test.why)
			}
		})
	}
}
