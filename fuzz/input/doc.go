// Package input is what the fuzz targets of all packages below fuzz have in common: what
// bytes mean as decisions ([Source], [Generator]) and as a conversation ([Transcript]),
// seeds, corpus files, and inputs in words.
package input
