//go:build purego

package bench

// build is added to the library names: gobwas leaves its assembly out under
// the tag purego.
const build = "_purego"
