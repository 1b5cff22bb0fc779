//go:build purego

package bench

// build is added to the library names: gobwas and the core leave their assembly
// out under the tag purego.
const build = "_purego"
