package input

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
)

// corpusHeader is the first line of the go command's corpus files.
const corpusHeader = "go test fuzz v1"

// DecodeCorpus returns the input in the text of a corpus file of the go command, or
// the bytes as they are if it is none: what other engines keep.
func DecodeCorpus(text []byte) ([]byte, error) {
	head, rest, _ := bytes.Cut(text, []byte("\n"))
	if strings.TrimSpace(string(head)) != corpusHeader {
		return text, nil
	}
	line := strings.TrimSpace(string(rest))
	quoted, found := strings.CutPrefix(line, "[]byte(")
	quoted, closed := strings.CutSuffix(quoted, ")")
	if !found || !closed || strings.Contains(line, "\n") {
		return nil, fmt.Errorf("want one []byte(\"…\") in a corpus file, got %.60q", line)
	}
	s, err := strconv.Unquote(quoted)
	if err != nil {
		return nil, fmt.Errorf("corpus file: %.60q: %w", line, err)
	}
	return []byte(s), nil
}

// EncodeCorpus returns the text of a corpus file of the go command.
func EncodeCorpus(data []byte) []byte {
	return fmt.Appendf(nil, "%s\n[]byte(%q)\n", corpusHeader, data)
}

// CorpusName is the name of an input's file.
func CorpusName(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}

// ReadCorpus returns the inputs in the files of a folder, in the order of their
// names; none if there is no folder.
func ReadCorpus(dir string) ([][]byte, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	sort.Slice(entries, func(i, j int) bool { return entries[i].Name() < entries[j].Name() })
	var inputs [][]byte
	for _, e := range entries {
		if e.IsDir() {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		data, err := DecodeCorpus(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.Name(), err)
		}
		inputs = append(inputs, data)
	}
	return inputs, nil
}

// The environment variables by which a test runs a corpus that is not
// committed: its folder, with a folder a target in it, and the targets, with
// commas between.
const (
	CorpusEnv        = "WSPROOF_CORPUS"
	CorpusTargetsEnv = "WSPROOF_CORPUS_TARGETS"
)
