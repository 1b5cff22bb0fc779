package gobwas

import (
	"bytes"
	"compress/flate"
	"io"
	"sync"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"

	"github.com/wsproof/wsproof/internal/engine/serve"
)

// newExtension negotiates permessage-deflate with the parameters that wsflate
// has for it: no message refers to another one.
func newExtension() *wsflate.Extension {
	return &wsflate.Extension{Parameters: wsflate.DefaultParameters}
}

// A deflater compresses by package wsflate. It is reused: wsflate.Helper makes a
// writer of 0.8 MiB and a reader for each message.
type deflater struct {
	in  bytes.Reader
	out bytes.Buffer
	r   *wsflate.Reader
	w   *wsflate.Writer
}

var deflaters = sync.Pool{New: func() any {
	d := new(deflater)
	d.r = wsflate.NewReader(&d.in, func(r io.Reader) wsflate.Decompressor { return flateReader{flate.NewReader(r)} })
	d.w = wsflate.NewWriter(&d.out, func(w io.Writer) wsflate.Compressor {
		f, _ := flate.NewWriter(w, flate.BestSpeed) // fails for other levels only
		return f
	})
	return d
}}

// flateReader has the method by which wsflate resets a decompressor.
type flateReader struct{ io.ReadCloser }

func (r flateReader) Reset(src io.Reader) { _ = r.ReadCloser.(flate.Resetter).Reset(src, nil) }

// inflate returns what a compressed message holds, until the next call.
func (d *deflater) inflate(payload []byte, limit int) ([]byte, error) {
	d.in.Reset(payload)
	d.r.Reset(&d.in)
	d.out.Reset()
	n, err := io.Copy(&d.out, io.LimitReader(d.r, int64(limit)+1))
	if err == nil && n > int64(limit) {
		err = serve.ErrTooLarge
	}
	return d.out.Bytes(), err
}

// deflate returns a message compressed, until the next call.
func (d *deflater) deflate(message []byte) ([]byte, error) {
	d.out.Reset()
	d.w.Reset(&d.out)
	if _, err := d.w.Write(message); err != nil {
		return nil, err
	}
	if err := d.w.Flush(); err != nil {
		return nil, err
	}
	return d.out.Bytes(), nil
}

// compressed is the header of a whole message that is compressed.
func compressed(h ws.Header) ws.Header {
	h.Rsv = ws.Rsv(true, false, false)
	return h
}
