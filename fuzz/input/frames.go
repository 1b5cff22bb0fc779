package input

import "github.com/wsproof/wsproof/internal/wire"

// Frames tells the frames of a transcript in words, one a line.
func Frames(b []byte) []string {
	var lines []string
	for len(b) > 0 {
		f, n, err := wire.Split(b)
		lines = append(lines, annotateFrame(b, &f, err))
		if err != nil {
			break
		}
		b = b[n:]
	}
	return lines
}
