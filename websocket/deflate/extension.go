package deflate

import (
	"fmt"
	"strings"
)

// Name is the extension's name (RFC 7692 §7).
const Name = "permessage-deflate"

// An extension is an element of Sec-WebSocket-Extensions (RFC 6455 §9.1).
type extension struct {
	name   string
	params []param
}

// A param is a parameter of an extension, with or without a value. A quoted value
// stands here as what it means.
type param struct {
	name, value string
	valued      bool
}

// A HeaderError says that Sec-WebSocket-Extensions is outside the grammar of RFC
// 6455 §9.1. A server refuses the handshake with status 400, a client fails it.
type HeaderError struct {
	// Header is the field's value, or all of them with commas between.
	Header string
	// Offset is where it stops being right, in octets of Header.
	Offset int
	// Want is what should stand there, in words.
	Want string
}

func (e *HeaderError) Error() string {
	return fmt.Sprintf("deflate: Sec-WebSocket-Extensions %q: want %s at octet %d (RFC 6455 §9.1)", e.Header, e.Want, e.Offset)
}

// parse reads the values of Sec-WebSocket-Extensions as one list (RFC 6455 §9.1).
// Empty elements are passed over (RFC 9110 §5.6.1.2).
func parse(header []string) ([]extension, error) {
	p := parser{text: strings.Join(header, ",")}
	var list []extension
	for {
		p.blanks()
		if p.skip(',') {
			continue
		}
		if p.at == len(p.text) {
			return list, nil
		}
		e := extension{name: p.token()}
		for p.blanks(); p.skip(';'); p.blanks() {
			p.blanks()
			param := param{name: p.token()}
			if p.blanks(); p.skip('=') {
				p.blanks()
				param.valued = true
				param.value = p.value()
			}
			e.params = append(e.params, param)
		}
		if p.at < len(p.text) && !p.skip(',') {
			p.fail("a comma or a semicolon")
		}
		if p.err != nil {
			return nil, p.err
		}
		list = append(list, e)
	}
}

// A parser reads text from at on. Behind the first error it reads nothing more.
type parser struct {
	text string
	at   int
	err  error
}

func (p *parser) fail(want string) {
	if p.err == nil {
		p.err = &HeaderError{Header: p.text, Offset: p.at, Want: want}
		p.at = len(p.text)
	}
}

func (p *parser) blanks() {
	for p.at < len(p.text) && (p.text[p.at] == ' ' || p.text[p.at] == '\t') {
		p.at++
	}
}

func (p *parser) skip(b byte) bool {
	if p.at < len(p.text) && p.text[p.at] == b {
		p.at++
		return true
	}
	return false
}

// token reads a token (RFC 9110 §5.6.2).
func (p *parser) token() string {
	begin := p.at
	for p.at < len(p.text) && isTokenChar(p.text[p.at]) {
		p.at++
	}
	if p.at == begin {
		p.fail("a token")
		return ""
	}
	return p.text[begin:p.at]
}

// value reads a token, or a quoted string that stands for one.
func (p *parser) value() string {
	if !p.skip('"') {
		return p.token()
	}
	var value []byte
	for p.at < len(p.text) && p.text[p.at] != '"' {
		p.skip('\\')
		if p.at == len(p.text) || !isTokenChar(p.text[p.at]) {
			p.fail("a character of a token")
			return ""
		}
		value = append(value, p.text[p.at])
		p.at++
	}
	if len(value) == 0 {
		p.fail("a token between the quotes")
	}
	if !p.skip('"') {
		p.fail("a closing quote")
	}
	return string(value)
}

func isTokenChar(b byte) bool {
	return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' || strings.IndexByte("!#$%&'*+-.^_`|~", b) >= 0
}
