// Package peers fuzzes other people's code: the libraries, against the model of RFC 6455
// and a table of what is known of them, and servers on the network.
package peers
