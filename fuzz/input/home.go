package input

import (
	"flag"
	"fmt"
	"regexp"
	"strings"
)

// home is the package that each target stands in. (A test of package targets holds it
// against their lists, which this package cannot import.)
var home = map[string]string{
	"ReadFrame": "./fuzz", "MarshalFrame": "./fuzz", "Mask": "./fuzz", "Reassembly": "./fuzz", "FrameMessage": "./fuzz", "UTF8": "./fuzz",
	"Inflate": "./fuzz/deflate", "Deflate": "./fuzz/deflate", "Negotiate": "./fuzz/deflate",
	"Handshake": "./fuzz/live", "Dial": "./fuzz/live", "Serve": "./fuzz/live", "Stream": "./fuzz/live", "Socket": "./fuzz/live", "Handler": "./fuzz/live", "Options": "./fuzz/live",
	"Peers": "./fuzz/peers", "Openings": "./fuzz/peers", "Answers": "./fuzz/peers", "Target": "./fuzz/peers",
}

// Home returns the package that the target of that name stands in, or "".
func Home(name string) string { return home[name] }

// CheckFlag returns an error where -fuzz names no target of the package: the go command
// passes then, in silence. It is called when the flags are parsed.
func CheckFlag(pkg string) error {
	f := flag.Lookup("test.fuzz")
	if f == nil || f.Value.String() == "" {
		return nil
	}
	pattern, err := regexp.Compile(f.Value.String())
	if err != nil {
		return nil // package testing says what is wrong with it
	}
	others := map[string]bool{}
	for name, at := range home {
		if !pattern.MatchString("Fuzz" + name) {
			continue
		}
		if at == pkg {
			return nil
		}
		others[at] = true
	}
	if len(others) == 0 {
		return fmt.Errorf("-fuzz=%s names no fuzz target, here or elsewhere: go run ./fuzz/run -h lists them", f.Value)
	}
	var list []string
	for at := range others {
		list = append(list, at)
	}
	return fmt.Errorf("-fuzz=%s names no target of %s, but one of %s: go test -fuzz=%s %s", f.Value, pkg, strings.Join(list, " and "), f.Value, list[0])
}
