package live

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/wsproof/wsproof/internal/vector"
)

// A dialPlay is how Dial has to play an input, by plain code.
type dialPlay struct {
	in      *dialInput
	accept  string // that of the key which Dial chose
	offers  string // the extensions that Dial offered
	ready   []byte // what the far side has sent and nobody has read
	read    int    // bytes that were read
	dialled string
	writes  [][]byte // nil: the opening handshake, which has a key of Dial's own

	why         string   // why Dial fails; "" if it succeeds, or may
	sure        bool     // it is sure that it does what why says
	fault       error    // that its error must be
	words       []string // that its error tells
	oneOf       []string // of which its error tells one at least; none: of which there are none
	by          string   // "proxy" as long as it is about that
	answered    bool     // an answer comes along, with its status and its body
	status      int
	body        []byte
	subprotocol string
	rest        []byte // what stands behind the answer
	hellos      []hello
	untrusted   bool // a certificate is none to trust
}

// fail fails with a fault, if any, for a reason that the words tell.
func (p *dialPlay) fail(fault error, why string, words ...string) bool {
	p.why, p.fault, p.sure, p.words = why, fault, true, append(words, p.by)
	return false
}

// dial plays all of it.
func (p *dialPlay) dial() {
	to, addr := p.in.to()
	proxyURL, proxyAddr := p.in.by()
	switch {
	case to.addr == "":
		p.fail(nil, "the URL is none that it takes", to.says)
		return
	case dialHeaders[p.in.header].why != "":
		p.fail(nil, dialHeaders[p.in.header].why, dialHeaders[p.in.header].says)
		return
	case p.in.fault == faultChoice:
		p.fail(errFault, "the choice of a proxy fails", "proxy")
		return
	case p.in.proxy == 7:
		if proxyURL == dialProxies[7].url {
			p.fail(nil, "the proxy's scheme is none that Dial knows", "proxy", `"ftp"`)
		} else {
			p.fail(nil, "the proxy has no host", "proxy", "no host")
		}
		return
	}
	p.dialled = "tcp " + addr
	if p.in.proxy != 0 {
		p.dialled = "tcp " + proxyAddr
	}
	if p.in.fault == faultDial {
		where := strings.TrimPrefix(p.dialled, "tcp ")
		if p.in.proxy != 0 {
			p.by = "proxy"
		}
		switch {
		case p.in.at&2 != 0:
			p.fail(context.Canceled, "the context ends", where)
		case p.in.at&1 != 0:
			p.fail(nil, "dialling gives nothing", where, "NetDial")
		default:
			p.fail(errFault, "dialling fails", where)
		}
		return
	}
	u, _ := url.Parse(proxyURL)
	ok := true
	if p.in.proxy != 0 {
		p.by = "proxy"
	}
	switch {
	case p.in.proxy == 0:
	case p.in.proxy <= 2:
		ok = (!p.in.proxySecure() || p.secure(u.Hostname(), p.in.proxyShows, true)) && p.connect(addr, u.User)
	default:
		ok = p.socks(addr, u.User)
	}
	if ok {
		p.by = ""
	}
	if host, _, _ := net.SplitHostPort(addr); ok && p.in.wss {
		ok = p.secure(host, p.in.serverShows, false)
	}
	if ok && p.write(nil) {
		p.answer()
	}
}

// write plays a write of b.
func (p *dialPlay) write(b []byte) bool {
	n := len(p.writes)
	if p.in.at == n && p.in.fault == faultWrite {
		return p.fail(errFault, "a write fails")
	}
	if p.in.at == n && p.in.fault == faultShort {
		return p.fail(io.ErrShortWrite, "a write is short")
	}
	p.writes = append(p.writes, b)
	switch {
	case n >= len(p.in.answers):
	case b == nil:
		last := p.in.answers[len(p.in.answers)-1]
		p.ready = append(p.ready, bytes.ReplaceAll(last, []byte("ACCEPT"), []byte(p.accept))...)
	default:
		p.ready = append(p.ready, p.in.answers[n]...)
	}
	return true
}

// take plays reading exactly n bytes.
func (p *dialPlay) take(n int) ([]byte, bool) {
	if p.read+n > p.stop() {
		return nil, p.broken()
	}
	b := p.ready[:n]
	p.ready, p.read = p.ready[n:], p.read+n
	return b, true
}

// stop is how many bytes can be read in all before a fault, or the end.
func (p *dialPlay) stop() int {
	end := p.read + len(p.ready)
	if (p.in.fault == faultRead || p.in.fault == faultCancel) && p.in.at < end {
		return max(p.in.at, p.read)
	}
	return end
}

// broken fails by what stands where reading stops.
func (p *dialPlay) broken() bool {
	stopped := p.stop() < p.read+len(p.ready) || p.in.at == p.stop()
	switch {
	case p.in.fault == faultRead && stopped:
		return p.fail(errFault, "reading fails")
	case p.in.fault == faultCancel && stopped:
		return p.fail(context.Canceled, "the context ends")
	case p.in.fault == faultSilence:
		return p.fail(context.DeadlineExceeded, "the context's time is over")
	}
	return p.fail(io.ErrUnexpectedEOF, "the peer ends")
}

// response plays reading the header of an answer, behind any interim ones; it leaves in
// ready what stands behind it.
func (p *dialPlay) response(method string) (*http.Response, bool) {
	there := p.ready[:p.stop()-p.read]
	src := bytes.NewReader(there)
	br := bufio.NewReader(src)
	before := 0 // bytes of interim answers
	for {
		r, err := http.ReadResponse(br, &http.Request{Method: method})
		used := len(there) - src.Len() - br.Buffered()
		switch {
		case err != nil && len(there) == before && before == longestHeader:
			// No byte more is asked for, but an end may have come with the last one.
			if p.in.together {
				p.why = "interim answers take all the room of a header"
				return nil, false
			}
			return nil, p.fail(nil, "the header is too long", "64 KiB")
		case err != nil && (len(there) == before || bytes.HasPrefix([]byte("HTTP/1.1 101 Switching"), there)):
			return nil, p.broken()
		case err != nil:
			// What stands in the way first, a fault or a line that is none, is open.
			p.why = "there is no answer of HTTP"
			return nil, false
		case used > longestHeader:
			return nil, p.fail(nil, "the header is too long", "64 KiB")
		}
		if r.StatusCode/100 != 1 || r.StatusCode == 101 {
			p.ready, p.read = p.ready[used:], p.read+used
			p.body, _ = io.ReadAll(r.Body) // as far as it is there
			return r, true
		}
		before = used
	}
}

// refuse fails by the answer.
func (p *dialPlay) refuse(r *http.Response) bool {
	p.answered, p.status = true, r.StatusCode
	location := r.Header.Get("Location")
	if p.by != "" || r.StatusCode/100 != 3 || location == "" {
		return p.fail(nil, "the answer is "+r.Status, strconv.Itoa(r.StatusCode), "!redirect")
	}
	return p.fail(nil, "the answer is "+r.Status, strconv.Itoa(r.StatusCode), "redirect", quoted(location))
}

// connect plays RFC 9110 section 9.3.6.
func (p *dialPlay) connect(addr string, user *url.Userinfo) bool {
	request := "CONNECT " + addr + " HTTP/1.1\r\nHost: " + addr + "\r\n"
	if user != nil {
		password, _ := user.Password()
		request += "Proxy-Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password)) + "\r\n"
	}
	if !p.write([]byte(request + "\r\n")) {
		return false
	}
	r, ok := p.response(http.MethodConnect)
	switch {
	case !ok:
		return false
	case r.StatusCode/100 != 2:
		return p.refuse(r)
	case (!p.in.drip || p.in.proxySecure()) && p.stop() > p.read:
		// Nothing was sent through the tunnel that the server could answer.
		return p.fail(nil, "there is more behind the answer of the proxy")
	}
	return true
}

// socks plays RFC 1928 and RFC 1929.
func (p *dialPlay) socks(addr string, user *url.Userinfo) bool {
	greeting := []byte{5, 1, 0}
	if user != nil {
		greeting = []byte{5, 2, 0, 2}
	}
	host, port, _ := net.SplitHostPort(addr)
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil || len(host) > 255 {
		return p.fail(nil, "SOCKS has no words for the address", map[bool]string{true: "255", false: port}[len(host) > 255])
	}
	if !p.write(greeting) {
		return false
	}
	b, ok := p.take(2)
	if !ok {
		return false
	}
	switch {
	case b[0] != 5:
		return p.fail(nil, "the version is not 5", "version "+strconv.Itoa(int(b[0])))
	case b[1] == 2 && user != nil:
		name := user.Username()
		password, _ := user.Password()
		if name == "" || len(name) > 255 || len(password) > 255 {
			return p.fail(nil, "there is no user to send, or one that is too long", "user")
		}
		login := append([]byte{1, byte(len(name))}, name...)
		if !p.write(append(append(login, byte(len(password))), password...)) {
			return false
		}
		if b, ok = p.take(2); !ok {
			return false
		}
		if b[0] != 1 || b[1] != 0 {
			return p.fail(nil, "the login is refused", "password")
		}
	case b[1] == 2 || b[1] == 255:
		return p.fail(nil, "no method is left", "none", "password")
	case b[1] != 0:
		return p.fail(nil, "the method was not offered", "method "+strconv.Itoa(int(b[1])))
	}
	request := []byte{5, 1, 0}
	if ip, err := netip.ParseAddr(host); err != nil {
		request = append(append(request, 3, byte(len(host))), host...)
	} else if ip.Is4() {
		request = append(append(request, 1), ip.AsSlice()...)
	} else {
		request = append(append(request, 4), ip.AsSlice()...)
	}
	if !p.write(binary.BigEndian.AppendUint16(request, uint16(number))) {
		return false
	}
	if b, ok = p.take(4); !ok {
		return false
	}
	switch {
	case b[0] != 5:
		return p.fail(nil, "the version is not 5", "version "+strconv.Itoa(int(b[0])))
	case b[1] != 0 && int(b[1]) < len(socksReplies):
		return p.fail(nil, "the proxy refuses", socksReplies[b[1]])
	case b[1] != 0:
		return p.fail(nil, "the proxy refuses", strconv.Itoa(int(b[1])))
	}
	size := map[byte]int{1: 4, 4: 16}[b[3]]
	if b[3] == 3 {
		if b, ok = p.take(1); !ok {
			return false
		}
		size = int(b[0])
	} else if size == 0 {
		return p.fail(nil, "the address has a kind that there is not", "type "+strconv.Itoa(int(b[3])))
	}
	_, ok = p.take(size + 2)
	return ok
}

// socksReplies are words of RFC 1928 section 6 for replies.
var socksReplies = [...]string{"", "failure", "ruleset", "network unreachable", "host unreachable", "refused", "expired", "command not", "address type not"}

// answer plays the end of the opening handshake.
func (p *dialPlay) answer() {
	whole := bytes.Clone(p.ready[:p.stop()-p.read])
	r, ok := p.response(http.MethodGet)
	if !ok {
		return
	}
	if r.StatusCode != http.StatusSwitchingProtocols {
		p.refuse(r)
		return
	}
	compression := dialHeaders[p.in.header].compression != nil
	var offers []string
	if compression {
		offers = []string{p.offers}
	}
	judged := judge(whole, p.accept, subprotocols, offers)
	why := judged.why
	p.rest = p.ready
	p.subprotocol = r.Header.Get("Sec-Websocket-Protocol")
	if why != "" {
		p.fail(nil, why)
		p.oneOf = judged.words
	}
	p.sure = why != "" || plainEnough(whole, compression)
	p.answered, p.status = true, http.StatusSwitchingProtocols
}

// seedDial takes right conversations by each way, with each of their answers cut, and with
// other bytes in it, and every fault at every place.
func seedDial([]vector.Vector) ([][]byte, error) {
	const answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ACCEPT\r\n\r\n"
	ways := [][]string{ // by proxy
		{},
		{"HTTP/1.1 200 OK\r\n\r\n"},
		{"HTTP/1.1 200 OK\r\nProxy-Agent: x\r\n\r\n"},
		{"\x05\x00", "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"},
		{"\x05\x02", "\x01\x00", "\x05\x00\x00\x03\x04peer\x00\x50"},
		{"\x05\x00", "\x05\x00\x00\x04" + strings.Repeat("\x00", 18), ""},
		{"\x05\x02", "\x01\x00", "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"},
		{},
	}
	var seeds [][]byte
	add := func(proxy, how, fault, at int, way []string, answer string) {
		seed := []byte{byte(len(seeds) & 3), byte(proxy | how>>2&0x3f), byte(fault | at&31<<3), byte(at >> 5), 0}
		for _, a := range way {
			seed = append(append(seed, byte(len(a))), a...)
		}
		seeds = append(seeds, append(seed, answer...))
	}
	for proxy, way := range ways {
		for how := range 8 {
			for range 4 {
				add(proxy, how<<5, faultNone, 0, way, answer)
			}
		}
		for fault := faultDial; fault <= faultSilence; fault++ {
			for at := range 5 {
				add(proxy, at&1<<5, fault, at, way, answer)
			}
		}
		total := len(strings.Join(way, "")) + len(answer)
		for at := 5; at < total; at += 7 {
			add(proxy, at&2<<6, faultRead+at&1, at, way, answer)
		}
		ends := 0
		for _, a := range append(way, answer) { // a fault that comes with the last byte of each answer, and about there
			ends += len(a)
			for at := ends - 1; at <= ends+1; at++ {
				add(proxy, 0x80, faultRead, at, way, answer)
				add(proxy, 0x80, faultCancel, at, way, answer)
			}
		}
		for i, a := range way {
			with := func(other string) []string {
				changed := append([]string(nil), way...)
				changed[i] = other
				return changed
			}
			for n := range a {
				if n < 24 {
					add(proxy, n&1<<5, faultNone, 0, with(a[:n]), answer)
					for _, c := range []byte{0, 1, 2, 3, 4, 5, 8, 0xff} {
						add(proxy, int(c)&1<<5, faultNone, 0, with(a[:n]+string([]byte{c})+a[n+1:]), answer)
					}
				}
			}
			for n := range min(len(a), 4) {
				add(proxy, 0, faultSilence, 0, with(a[:n]), answer)
			}
			add(proxy, 0, faultNone, 0, with(a+"x"), answer)
			add(proxy, 0x20, faultNone, 0, with(a+"x"), answer)
			add(proxy, 0, faultNone, 0, with(a+"HTTP/1.1 101 x\r\n\r\n"), answer)
		}
	}
	for proxy, way := range ways {
		for _, part := range []string{"", "HTTP/1.1 101", answer[:60]} {
			add(proxy, 0, faultSilence, 0, way, part)
			add(proxy, 0, faultNone, 0, way, part)
		}
	}
	for i := range 16 {
		for proxy := range 6 {
			add(proxy, 0, faultNone, 0, ways[proxy], answer)
			seeds[len(seeds)-1][0] = byte(i)
			add(proxy, 0, faultNone, 0, ways[proxy], answer)
			seeds[len(seeds)-1][0] = byte(i<<4 | i&3)
		}
	}
	for proxy := range 3 {
		for _, other := range []string{
			"HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n",
			"HTTP/1.1 302 Found\r\nLocation: ws://other.example/\r\n\r\n", "HTTP/1.1 399 x\r\nLocation: \xe9\t/a\r\n\r\n", "HTTP/1.1 300 x\r\nLocation:\r\n\r\n", "HTTP/1.1 400 x\r\nLocation: ws://other.example/\r\n\r\n", "HTTP/1.1 299 x\r\nLocation: ws://other.example/\r\n\r\n", "HTTP/1.1 305 " + strings.Repeat("y", 80) + "\r\nLocation: " + strings.Repeat("z", 80) + "\r\n\r\n", "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 5\r\n\r\nlogin",
			"HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nlater\r\n0\r\n\r\n", "HTTP/1.1 500 x\r\n\r\nLONG", "HTTP/1.1 500 x\r\nContent-Length: 9\r\n\r\npart", "HTTP/1.1 101 x\r\nX: LONG\r\n\r\n",
			"HTTP/1.1 204 x\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", "HTTP/1.0 200 OK\r\n\r\n", "LONG", "\x00", "HTTP/1.1 99 x\r\n\r\n", "HTTP/1.1 099 x\r\n\r\n", "HTTP/1.1 000 x\r\n\r\n", "HTTP/1.1 999 x\r\n\r\n", "HTTP/1.1 199 x\r\n\r\n",
		} {
			for _, fault := range []int{faultNone, faultSilence} {
				if proxy == 0 {
					add(0, 0, fault, 0, nil, strings.Replace(answer, "Upgrade:", "X: FULL\r\nUpgrade:", 1))
					add(0, 0, fault, 0, nil, strings.Replace(answer, "Upgrade:", "X: FULLx\r\nUpgrade:", 1))
					add(0, 0, fault, 0, nil, "HTTP/1.1 105 x\r\nX: FULL\r\n\r\n")
					add(0, 0x80, fault, 0, nil, "HTTP/1.1 105 x\r\nX: FULL\r\n\r\n")
					add(0, 0, fault, 0, nil, other+answer)
					add(0, 0, fault, 0, nil, other)
				} else {
					add(proxy, 0, fault, 0, []string{other}, answer)
					add(proxy, 0x20, fault, 0, []string{other + "HTTP/1.1 200 OK\r\n\r\n"}, answer)
					add(proxy, 0, fault, 0, ways[proxy], other+answer)
				}
			}
		}
	}
	// Several things are wrong with one answer.
	wrong := [...][2]string{{"HTTP/1.1", "HTTP/1.0"}, {"Upgrade: websocket", "Upgrade: h2c, websocket"}, {"Upgrade: websocket", "Upgrade: h2c"}, {"n: Upgrade", "n: close"}, {"ACCEPT", "x"}, {"\r\n\r\n", "\r\nSec-WebSocket-Protocol: x\r\n\r\n"}, {"\r\n\r\n", "\r\nSec-WebSocket-Extensions: x\r\n\r\n"}}
	for i, first := range wrong {
		for _, second := range wrong[i:] {
			for _, header := range []byte{0, 5} { // the second offers permessage-deflate
				add(0, 0, faultNone, 0, nil, strings.Replace(strings.Replace(answer, first[0], first[1], 1), second[0], second[1], 1))
				seeds[len(seeds)-1][0] = header << 4
			}
		}
	}
	// Over TLS, with the proxy, the server, or both.
	for proxy := range 5 {
		for layers := 1; layers < 4; layers++ {
			way := ways[proxy]
			tls := func(url, how, fault, at, shows int, answer string) {
				add(proxy, how, fault, at, way, answer)
				seed := seeds[len(seeds)-1]
				seed[0], seed[4] = byte(url), byte(shows)
				seed[1] |= byte(layers << 6)
			}
			for shows := range 64 {
				if shows&7 == 0 || shows>>3 == 0 {
					tls(shows&1, 0x40, faultNone, 0, shows, answer)
				}
			}
			for trust := range 4 {
				for _, shows := range []int{tlsRight, tlsOther} {
					tls(trust, 0x60, faultNone, 0, trust<<6|shows, answer)
				}
			}
			for at := range 6 {
				tls(0, 0, faultWrite, at, 0, answer)
				tls(0, 0, faultSilence, 0, at, answer)
			}
			for at := 0; at < 2000; at += 97 {
				tls(0, 0, faultRead+at&1, at, at>>3&1, answer)
			}
			tls(0, 0, faultNone, 0, tlsRightLast, "HTTP/1.1 302 Found\r\nLocation: ws://other.example/\r\n\r\nelsewhere")
			tls(0, 0, faultNone, 0, tlsRightLast, "HTTP/1.1 101 Switching")
			if n := len(way); n > 0 { // something stands in front of TLS with the server
				way = append(slices.Clone(way[:n-1]), way[n-1]+"x")
				for _, how := range []int{0, 0x20} {
					for _, shows := range []int{tlsRight, tlsOther, tlsNone, tlsRefuses} {
						tls(0, how, faultNone, 0, shows, answer)
					}
				}
			}
		}
	}
	for at := range 256 {
		add(0, 0, faultNone, at, nil, answer)
		seeds[len(seeds)-1][0] = 15
	}
	for at := range 8 {
		add(6, 0, faultNone, at, ways[6], answer)
		add(7, 0, faultNone, at, nil, answer)
	}
	for url := range 16 {
		add(0, 0, faultNone, 0, nil, answer)
		seeds[len(seeds)-1][0] = byte(url)
		seeds[len(seeds)-1][1] |= 0x40
	}
	return seeds, nil
}
