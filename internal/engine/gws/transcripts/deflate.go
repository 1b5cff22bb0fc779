package transcripts

import (
	"cmp"

	"github.com/lxzan/gws"

	"github.com/wsproof/wsproof/internal/engine/transcript"
)

// What is in here versions before v1.8.0 do not have: rediscover leaves it out for them.

const deflates = transcript.DeflateTakeover

func server(t *transcript.Transcript, o gws.ServerOption) *gws.ServerOption {
	o.PermessageDeflate = agreed(t)
	return &o
}

func client(t *transcript.Transcript, o gws.ClientOption) *gws.ClientOption {
	o.PermessageDeflate = agreed(t)
	return &o
}

func agreed(t *transcript.Transcript) (d gws.PermessageDeflate) {
	if t.Deflate != nil {
		d.Enabled = true
		d.ServerContextTakeover = !t.Deflate.ServerNoContextTakeover
		d.ClientContextTakeover = !t.Deflate.ClientNoContextTakeover
		d.ServerMaxWindowBits = cmp.Or(t.Deflate.ServerMaxWindowBits, 15)
		d.ClientMaxWindowBits = cmp.Or(t.Deflate.ClientMaxWindowBits, 15)
		if len(t.Sends) > 0 {
			d.Threshold = 1
		}
		d.PoolSize = 1
	}
	return d
}
