package websocket

import "github.com/wsproof/wsproof/websocket/protocol"

// opened is what the opening handshake has settled.
type opened struct {
	key         ClientKey
	subprotocol string
	deflation   *protocol.Deflation // nil without permessage-deflate
}

func newOpened(key ClientKey, subprotocol string, deflation *protocol.Deflation) opened {
	return opened{key, subprotocol, deflation}
}

// compression returns what was agreed on of permessage-deflate, or nil. o may be nil.
func (o *opened) compression() *protocol.Deflation {
	if o == nil {
		return nil
	}
	return o.deflation
}

// readEnds gives up what is held for a message that is being inflated. o may be nil.
func (o *opened) readEnds() {
	if d := o.compression(); d != nil {
		d.Release()
	}
}
