package conformance

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/wsproof/wsproof/internal/opening"
)

// accept answers the tester's opening handshake and serves.
func (p *rogue) accept() {
	br := bufio.NewReader(p.conn)
	r, err := http.ReadRequest(br)
	if err != nil {
		p.conn.Close()
		return
	}
	key := opening.AcceptKey(r.Header.Get("Sec-WebSocket-Key"))
	status := "101 Switching Protocols"
	h := r.Header
	switch {
	case p.has("takes any request"):
	case r.Method != http.MethodGet, !r.ProtoAtLeast(1, 1), r.Host == "", len(h["Sec-Websocket-Key"]) != 1,
		!opening.HasToken(h["Upgrade"], "websocket"), !opening.HasToken(h["Connection"], "upgrade"), p.has("refuses every request"):
		fmt.Fprint(p.conn, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
		p.conn.Close()
		return
	case h.Get("Sec-WebSocket-Version") != "13":
		versions := "Sec-WebSocket-Version: 13\r\n"
		if p.has("does not say which versions it knows") {
			versions = ""
		}
		fmt.Fprintf(p.conn, "HTTP/1.1 426 Upgrade Required\r\n%sContent-Length: 0\r\n\r\n", versions)
		p.conn.Close()
		return
	}
	extra := ""
	switch {
	case p.has("answers with a wrong key"):
		key = opening.AcceptKey("another")
	case p.has("answers 200"):
		status = "200 OK"
	case p.has("takes an extension that was not offered"):
		extra = "Sec-WebSocket-Extensions: permessage-deflate\r\n"
	case p.has("takes any subprotocol") && h.Get("Sec-WebSocket-Protocol") != "":
		extra = "Sec-WebSocket-Protocol: " + h.Get("Sec-WebSocket-Protocol") + "\r\n"
	case p.has("takes a subprotocol that was not offered"):
		extra = "Sec-WebSocket-Protocol: chat\r\n"
	}
	if offer := r.Header.Get("Sec-WebSocket-Extensions"); offer != "" {
		if answer := p.agree(offer); answer != "" {
			extra = "Sec-WebSocket-Extensions: " + answer + "\r\n"
		}
	}
	fmt.Fprintf(p.conn, "HTTP/1.1 %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n%sSec-WebSocket-Accept: %s\r\n\r\n", status, extra, key)
	early, _ := br.Peek(br.Buffered())
	p.serve(slices.Clone(early))
}

// connect makes the opening handshake with the fuzzing server and serves.
func (p *rogue) connect(path string) error {
	p.client = true
	key := base64.StdEncoding.EncodeToString(make([]byte, 16))
	offer := ""
	if !p.has("knows no compression") {
		offer = "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover; client_max_window_bits\r\n"
	}
	if p.has("offers what cannot be read") {
		offer = "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=\r\n"
	}
	fmt.Fprintf(p.conn, "GET %s HTTP/1.1\r\nHost: tester\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n%sSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n", path, offer, key)
	br := bufio.NewReader(p.conn)
	resp, err := http.ReadResponse(br, nil)
	for err == nil && resp.StatusCode/100 == 1 && resp.StatusCode != http.StatusSwitchingProtocols && !p.has("refuses every response") {
		resp, err = http.ReadResponse(br, nil)
	}
	if err != nil {
		return err
	}
	h := resp.Header
	if !p.has("takes any response") && (resp.StatusCode != http.StatusSwitchingProtocols || h.Get("Sec-WebSocket-Accept") != opening.AcceptKey(key) ||
		!strings.EqualFold(h.Get("Upgrade"), "websocket") || !opening.HasToken(h["Connection"], "upgrade") ||
		strings.HasPrefix(h.Get("Sec-WebSocket-Extensions"), "x-") || h.Get("Sec-WebSocket-Protocol") != "" || p.has("refuses every response")) {
		p.conn.Close()
		return fmt.Errorf("%s", resp.Status)
	}
	if answer := resp.Header.Get("Sec-WebSocket-Extensions"); answer != "" {
		p.deflate = newRogueDeflate(p, strings.Contains(answer, "client_no_context_takeover"), strings.Contains(answer, "server_no_context_takeover"), strings.Contains(answer, "client_max_window_bits=9"))
	}
	early, _ := br.Peek(br.Buffered())
	p.serve(slices.Clone(early))
	return nil
}
