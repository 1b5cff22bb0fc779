package main

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"

	klauspost "github.com/klauspost/compress/flate"

	"github.com/wsproof/wsproof/websocket/deflate"
)

// tail is what RFC 7692 §7.2.1 takes off the end of a payload.
const tail = "\x00\x00\xff\xff"

// A way is a library's way to compress and inflate the messages of a connection.
// The functions are a connection's: they remember its messages with context
// takeover. What they return is valid until the next call. nil stands for what the
// library cannot do.
type way struct {
	name       string
	compress   func(bits int, takeover bool) func(message []byte) []byte
	decompress func(bits int, takeover bool) func(payload []byte) ([]byte, error)
}

// ways are all of them. The first is the core.
var ways = []way{
	{"core", coreCompress(deflate.Fast), coreDecompress},
	{"core_best", coreCompress(deflate.Best), nil},
	{"klauspost", klauspostCompress, klauspostDecompress},
	{"std", stdCompress, stdDecompress},
}

func coreCompress(level deflate.Level) func(int, bool) func([]byte) []byte {
	return func(bits int, takeover bool) func([]byte) []byte {
		c := deflate.NewCompressor(bits, takeover, level)
		var buf []byte
		return func(message []byte) []byte {
			buf = c.Append(buf[:0], message)
			return buf
		}
	}
}

func coreDecompress(bits int, takeover bool) func([]byte) ([]byte, error) {
	d := deflate.NewDecompressor(bits, takeover)
	var buf []byte
	return func(payload []byte) (_ []byte, err error) {
		buf, err = d.Append(buf[:0], payload, true, 1<<24)
		return buf, err
	}
}

// A dictionary is the window as the libraries keep it that have to be given it anew
// for each message.
type dictionary struct {
	octets []byte
	size   int
}

func (d *dictionary) add(message []byte) {
	message = message[max(0, len(message)-d.size):]
	if n := len(d.octets) + len(message) - d.size; n > 0 {
		d.octets = d.octets[:copy(d.octets, d.octets[n:])]
	}
	d.octets = append(d.octets, message...)
}

// klauspostCompress is what gws does: one writer for all connections, which is told
// the window of a connection for each of its messages; of level 1 or, for less than 15
// bits, the one that has windows.
func klauspostCompress(bits int, takeover bool) func([]byte) []byte {
	var out bytes.Buffer
	w, err := klauspost.NewWriter(nil, klauspost.BestSpeed)
	if bits < 15 && takeover {
		w, err = klauspost.NewWriterWindow(nil, 1<<bits)
	}
	if err != nil {
		panic(err) // of valid arguments
	}
	dict := dictionary{size: 1 << bits}
	return func(message []byte) []byte {
		out.Reset()
		if takeover {
			w.ResetDict(&out, dict.octets)
		} else {
			w.Reset(&out)
		}
		if _, err := w.Write(message); err != nil {
			panic(err) // a bytes.Buffer takes all
		}
		if err := w.Flush(); err != nil {
			panic(err)
		}
		if takeover {
			dict.add(message)
		}
		return bytes.TrimSuffix(out.Bytes(), []byte(tail))
	}
}

// stdCompress has a window of 15 bits, whatever is asked for; with takeover it takes a
// writer of 1.2 MiB a connection, as coder/websocket does.
func stdCompress(bits int, takeover bool) func([]byte) []byte {
	if bits < 15 {
		return nil
	}
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, flate.BestSpeed)
	if err != nil {
		panic(err) // of a constant
	}
	return func(message []byte) []byte {
		out.Reset()
		if !takeover {
			w.Reset(&out)
		}
		if _, err := w.Write(message); err != nil {
			panic(err) // a bytes.Buffer takes all
		}
		if err := w.Flush(); err != nil {
			panic(err)
		}
		return bytes.TrimSuffix(out.Bytes(), []byte(tail))
	}
}

func stdDecompress(bits int, takeover bool) func([]byte) ([]byte, error) {
	return readerDecompress(flate.NewReader(nil), bits, takeover)
}

func klauspostDecompress(bits int, takeover bool) func([]byte) ([]byte, error) {
	return readerDecompress(klauspost.NewReader(nil), bits, takeover)
}

// readerDecompress inflates by a reader as the libraries have it.
func readerDecompress(r io.Reader, bits int, takeover bool) func([]byte) ([]byte, error) {
	var in bytes.Reader
	var payload, buf []byte
	dict := dictionary{size: 1 << bits}
	return func(z []byte) ([]byte, error) {
		payload = append(append(payload[:0], z...), tail+"\x01\x00\x00\xff\xff"...)
		in.Reset(payload)
		if err := r.(flate.Resetter).Reset(&in, dict.octets); err != nil {
			return nil, err
		}
		buf = buf[:0]
		for {
			if cap(buf)-len(buf) < 512 {
				buf = append(buf, make([]byte, 512+len(buf))...)[:len(buf)]
			}
			n, err := r.Read(buf[len(buf):cap(buf)])
			buf = buf[:len(buf)+n]
			if err == io.EOF {
				break
			}
			if err != nil {
				return nil, fmt.Errorf("after %d octets: %w", len(buf), err)
			}
		}
		if takeover {
			dict.add(buf)
		}
		return buf, nil
	}
}
