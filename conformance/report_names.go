package conformance

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// longestName is how long the agent's part of a file name may be: with the rest of
// it every file system takes it.
const longestName = 64

// fileNames is the agents' part of the names of their files, by agent: clean makes
// it of the agent's name where that is long enough apart from the others', also on
// file systems that do not tell capitals; otherwise a hash makes the difference.
// The same agents get the same names.
func fileNames(results []*Result, clean func(agent string) string) map[string]string {
	names := make(map[string]string)
	users := make(map[string]int)
	for _, r := range results {
		if r != nil && names[r.Agent] == "" {
			names[r.Agent] = clean(r.Agent)
			users[strings.ToLower(names[r.Agent])]++
		}
	}
	for agent, name := range names {
		if users[strings.ToLower(name)] == 1 && len(name) <= longestName && strings.Trim(name, "_") != "" {
			continue
		}
		hash := sha256.Sum256([]byte(agent))
		names[agent] = strings.Trim(name[:min(len(name), longestName-17)], "_") + "_" + hex.EncodeToString(hash[:8])
	}
	return names
}

// asItIs keeps letters, digits and hyphens of an agent's name.
func asItIs(agent string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '-':
			return c
		}
		return '_'
	}, agent)
}

// asTheOriginal is what the original suite makes of an agent's name.
func asTheOriginal(agent string) string {
	return strings.ReplaceAll(strings.TrimSpace(strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' {
			return c
		}
		return ' '
	}, strings.ToLower(strings.TrimSpace(agent)))), " ", "_")
}
