// Package testdata holds the test vectors, one rule a file (see README.md), and
// embeds them so that packages and tests can import them.
package testdata

import "embed"

// Vectors is the folder vectors.
//
//go:embed all:vectors
var Vectors embed.FS

// Compressed is the folder compressed.
//
//go:embed all:compressed
var Compressed embed.FS

// Negotiation is the folder negotiation.
//
//go:embed all:negotiation
var Negotiation embed.FS
