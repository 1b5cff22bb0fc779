package live

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wsproof/wsproof/websocket"
)

// What a far side shows when it is spoken to by TLS.
const (
	tlsRight     = iota // a certificate for all the names that there are
	tlsRight12          // and no newer version than 1.2
	tlsOther            // one for other names
	tlsUnknown          // one of an authority that nobody trusts
	tlsExpired          // one whose time is over
	tlsNone             // no TLS, but words in the clear
	tlsRefuses          // an alert
	tlsRightLast        // as the first, and the end is announced (close_notify)
)

// How Dial is told whom to trust.
const (
	trustAuthority = iota // that of the certificates
	trustNobody           // no configuration: those that the system knows
	trustNamed            // the authority, a server's name of the application's own, and protocols that do not count
	trustAll              // any certificate
)

// ownServerName is the name that trustNamed asks for.
const ownServerName = "peer.example"

// tlsKeys are the keys of the authority, of one that nobody trusts, and of a server.
var tlsKeys = func() (keys [3]ed25519.PrivateKey) {
	for i := range keys {
		keys[i] = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{byte(i + 1)}, ed25519.SeedSize))
	}
	return keys
}()

var authority = sync.OnceValue(func() *x509.Certificate { return authorityOf(0) })

func authorityOf(key int) *x509.Certificate {
	return certificate(&x509.Certificate{Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}, nil, tlsKeys[key], tlsKeys[key])
}

// certificate has the parent sign what it says; nil: it signs itself.
func certificate(c, parent *x509.Certificate, key, signer ed25519.PrivateKey) *x509.Certificate {
	c.SerialNumber = big.NewInt(1)
	c.NotBefore = time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC)
	if c.NotAfter.IsZero() {
		c.NotAfter = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	if parent == nil {
		parent = c
	}
	der, err := x509.CreateCertificate(nil, c, parent, key.Public(), signer)
	if err != nil {
		panic(err) // it is the same each time
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return made
}

// tlsConfigs are those of the far side.
var tlsConfigs = sync.OnceValue(func() (configs [8]*tls.Config) {
	for shows := range configs {
		c := &x509.Certificate{DNSNames: []string{"peer.example", "proxy.example", longest, "x" + longest}, IPAddresses: []net.IP{net.IPv4(10, 1, 2, 3), net.ParseIP("2001:db8::1")}}
		from, signer := authority(), tlsKeys[0]
		switch shows {
		case tlsOther:
			c.DNSNames, c.IPAddresses = []string{"other.example"}, nil
		case tlsUnknown:
			from, signer = authorityOf(1), tlsKeys[1]
		case tlsExpired:
			c.NotAfter = time.Date(1999, 2, 1, 0, 0, 0, 0, time.UTC)
		}
		configs[shows] = &tls.Config{
			Certificates:           []tls.Certificate{{Certificate: [][]byte{certificate(c, from, tlsKeys[2], signer).Raw}, PrivateKey: tlsKeys[2]}},
			NextProtos:             []string{"h2", "http/1.1"},
			CurvePreferences:       []tls.CurveID{tls.X25519},
			SessionTicketsDisabled: true,
		}
		if shows == tlsRight12 {
			configs[shows].MaxVersion = tls.VersionTLS12
		}
	}
	return configs
})

// trust is the configuration that Dial gets.
func (in *dialInput) trustConfig() *tls.Config {
	roots := x509.NewCertPool()
	roots.AddCert(authority())
	switch in.trust {
	case trustAuthority:
		return &tls.Config{RootCAs: roots}
	case trustNamed:
		return &tls.Config{RootCAs: roots, ServerName: ownServerName, NextProtos: []string{"h2"}}
	case trustAll:
		return &tls.Config{InsecureSkipVerify: true}
	}
	return nil
}

// A hello is what a client said of itself.
type hello struct{ name, protocols string }

// A tlsSide is the transport to a far side that speaks TLS: with the proxy, with the
// server, or with one through the other. A goroutine of its own is behind it. Its faults
// are those of the bytes on the transport.
type tlsSide struct {
	*farSide // within TLS, without faults
	in       *dialInput
	done     chan struct{} // the goroutine has ended

	mu       sync.Mutex
	moved    *sync.Cond
	toServer [][]byte // by writes
	toClient []byte
	waits    bool // the far side does, for more
	shut     bool
	came     int // bytes that were read of the transport
	writes   int
	hit      bool // the fault has come
	hellos   []hello
}

func newTLSSide(in *dialInput, f *farSide) *tlsSide {
	f.in = in.withinTLS()
	s := &tlsSide{farSide: f, in: in, done: make(chan struct{})}
	s.moved = sync.NewCond(&s.mu)
	go func() {
		defer close(s.done)
		s.serve()
		s.set(func() { s.waits = true })
	}()
	return s
}

// set changes something and tells the others.
func (s *tlsSide) set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	s.moved.Broadcast()
}

// end closes the transport, and waits for the goroutine.
func (s *tlsSide) end() {
	_ = s.Close()
	<-s.done
}

func (s *tlsSide) Close() error {
	_ = s.farSide.Close()
	s.set(func() { s.shut = true })
	return nil
}

func (s *tlsSide) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes++
	switch {
	case s.shut:
		return 0, net.ErrClosed
	case (s.in.fault == faultWrite || s.in.fault == faultShort) && s.writes == s.in.at+1:
		s.hit = true
		return 0, errFault
	}
	s.toServer = append(s.toServer, bytes.Clone(p))
	s.waits = false
	s.moved.Broadcast()
	return len(p), nil
}

func (s *tlsSide) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.in.drip {
		p = p[:min(len(p), 1)]
	}
	if s.in.fault == faultRead || s.in.fault == faultCancel {
		if s.came >= s.in.at {
			if s.hit = true; s.in.fault == faultRead {
				return 0, errFault
			}
			s.cancel(errGivenUp)
			for !s.shut {
				s.moved.Wait()
			}
			return 0, net.ErrClosed
		}
		p = p[:min(len(p), s.in.at-s.came)]
	}
	for len(s.toClient) == 0 {
		switch {
		case s.shut:
			return 0, net.ErrClosed
		case s.waits && s.in.fault != faultSilence:
			return 0, io.EOF
		}
		s.moved.Wait()
	}
	n := copy(p, s.toClient)
	s.toClient = s.toClient[n:]
	s.came += n
	return n, nil
}

// serve is the far side: a record of the handshake begins TLS, all else is for the plain
// far side, which has an answer.
func (s *tlsSide) serve() {
	var conn net.Conn = otherEnd{s}
	shows := []int{s.in.serverShows}
	if s.in.proxySecure() {
		shows = []int{s.in.proxyShows, s.in.serverShows}
	}
	b := make([]byte, 64<<10)
	for {
		n, err := conn.Read(b)
		if err != nil {
			return
		}
		if b[0] == 0x16 && len(shows) > 0 {
			if conn = s.secure(&ahead{conn, bytes.Clone(b[:n])}, shows[0]); conn == nil {
				return
			}
			shows = shows[1:]
			continue
		}
		_, _ = s.farSide.Write(b[:n]) // without a fault: those are of the transport
		answer := s.ready
		s.ready = nil
		if len(answer) > 0 {
			_, _ = conn.Write(answer) // to memory
		}
		last := len(s.written) == len(s.in.answers)
		if secure, ok := conn.(*tls.Conn); ok && last && s.in.serverShows == tlsRightLast {
			_ = secure.CloseWrite()
		}
	}
}

// secure does the server's side of the handshake of TLS.
func (s *tlsSide) secure(conn net.Conn, shows int) net.Conn {
	if shows == tlsNone {
		_, _ = conn.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
		return nil
	}
	config := tlsConfigs()[shows].Clone()
	config.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		s.set(func() { s.hellos = append(s.hellos, hello{h.ServerName, strings.Join(h.SupportedProtos, ",")}) })
		if shows == tlsRefuses {
			return nil, errors.New("refused")
		}
		return nil, nil
	}
	secure := tls.Server(conn, config)
	if secure.Handshake() != nil {
		return nil
	}
	return secure
}

// An otherEnd is the far side's end of the transport.
type otherEnd struct{ *tlsSide }

func (e otherEnd) Write(p []byte) (int, error) {
	e.set(func() { e.toClient = append(e.toClient, p...) })
	return len(p), nil
}

// Read returns of one write at a time.
func (e otherEnd) Read(p []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for len(e.toServer) == 0 {
		if e.shut {
			return 0, io.EOF
		}
		e.waits = true
		e.moved.Broadcast()
		e.moved.Wait()
	}
	n := copy(p, e.toServer[0])
	if e.toServer[0] = e.toServer[0][n:]; len(e.toServer[0]) == 0 {
		e.toServer = e.toServer[1:]
	}
	return n, nil
}

func (e otherEnd) Close() error { return nil }

// ahead is a connection of which some bytes have been read already.
type ahead struct {
	net.Conn
	bytes []byte
}

func (a *ahead) Read(p []byte) (int, error) {
	if len(a.bytes) > 0 {
		n := copy(p, a.bytes)
		a.bytes = a.bytes[n:]
		return n, nil
	}
	return a.Conn.Read(p)
}

// secure plays TLS with host, which shows something.
func (p *dialPlay) secure(host string, shows int, isProxy bool) bool {
	name := host
	if p.in.trust == trustNamed && !isProxy {
		name = ownServerName
	}
	if shows != tlsNone {
		said := hello{name, "http/1.1"}
		if net.ParseIP(name) != nil {
			said.name = "" // RFC 6066 section 3
		}
		p.hellos = append(p.hellos, said)
	}
	switch {
	case len(p.ready) > 0: // it comes before the other side has heard of the hello
		return p.fail(nil, "what stands in the place of TLS is none")
	case shows == tlsNone || shows == tlsRefuses:
		return p.fail(nil, "there is no TLS with "+host, "TLS", host)
	case p.in.trust == trustAll, shows == tlsRight, shows == tlsRight12, shows == tlsRightLast:
		if p.in.trust != trustNobody {
			return true
		}
	}
	p.untrusted = true
	return p.fail(nil, "the certificate of "+host+" is not to be trusted", "TLS", host)
}

// tlsShows are the words for what a far side shows.
var tlsShows = [8]string{
	"a right certificate", "a right certificate by TLS 1.2", "another's certificate", "one of an unknown authority",
	"one whose time is over", "no TLS", "an alert", "a right certificate, and announces the end",
}

// compareTLS is compare for a Dial over TLS: its faults are those of bytes that nobody
// foresees, so that only whether they came tells what must come of it.
func (in *dialInput) compareTLS(s *tlsSide, dialled string, ws *websocket.Websocket, response *http.Response, err error) error {
	if response != nil && response.TLS != nil && !in.wss || err == nil && in.wss && response.TLS == nil {
		return fmt.Errorf("the response tells of TLS: %t, with the server it is spoken: %t", response.TLS != nil, in.wss)
	}
	if response != nil && response.TLS != nil && response.TLS.NegotiatedProtocol != "http/1.1" {
		return fmt.Errorf("TLS has settled on the protocol %q", response.TLS.NegotiatedProtocol)
	}
	plain := in.withinTLS()
	want := &dialPlay{in: plain}
	if err == nil {
		want.accept, want.offers = s.accept, s.offers
		want.dial()
		err := plain.compare(s.farSide, want, dialled, ws, response, nil)
		if s.end(); err == nil && !slices.Equal(s.hellos, want.hellos) {
			err = fmt.Errorf("it said hello by TLS as %q, want %q", s.hellos, want.hellos)
		}
		return err
	}
	closed := s.isClosed()
	s.end()
	want.accept, want.offers = s.accept, s.offers
	want.dial()
	if !closed && want.dialled != "" && in.fault != faultDial {
		return fmt.Errorf("it returned %w and left the transport open", err)
	}
	if s.hit {
		want.words, want.oneOf = nil, nil
		// What came to be written before is a part of what there is to write.
		want.writes = want.writes[:min(len(want.writes), len(s.written))]
		want.sure = want.answered && response != nil
		if response == nil {
			want.answered, want.sure = false, true
			want.why, want.fault = "the transport fails", errFault
			if in.fault == faultCancel {
				want.why, want.fault = "the context ends", context.Canceled
			}
			if want.untrusted && isUntrusted(err) {
				want.fault = nil
			}
		} else if !want.answered {
			return fmt.Errorf("it returned %w and the response %v, where none has come", err, response)
		}
		plain.fault = in.fault // the body has come in part
	} else if in.fault != faultDial && want.dialled != "" {
		if want.untrusted != isUntrusted(err) {
			return fmt.Errorf("it returned %w, where %s", err, want.why)
		}
		if !slices.Equal(s.hellos, want.hellos) {
			return fmt.Errorf("it said hello by TLS as %q, want %q", s.hellos, want.hellos)
		}
	}
	return plain.compare(s.farSide, want, dialled, ws, response, err)
}

// withinTLS is the input as it is for what TLS carries: without faults of the transport.
func (in *dialInput) withinTLS() *dialInput {
	plain := *in
	if plain.fault > faultChoice && plain.fault != faultSilence {
		plain.fault, plain.at = faultNone, 0 // without a fault its place means another thing
	}
	return &plain
}

// isUntrusted tells whether an error is that of a certificate.
func isUntrusted(err error) bool {
	var invalid *tls.CertificateVerificationError
	return errors.As(err, &invalid)
}
