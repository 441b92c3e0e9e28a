/*
 * What the stack has counted since the start, for /proc/net/snmp and snmp6: names are those of
 * RFC 1213's groups, as lwIP keeps them.
 */
#pragma once

#include "lib/types.h"

struct netns;

struct stack_counters {
	struct {
		uint32_t in_receives, in_header_errors, in_address_errors, in_unknown_protocols;
		uint32_t in_discards, in_delivers, out_requests, out_discards, out_no_routes;
		uint32_t reassembly_requests, reassembly_oks, reassembly_failures;
		uint32_t fragment_oks, fragment_failures, fragment_creates;
	} ip;
	struct {
		uint32_t in_messages, in_errors, in_unreachable, in_time_exceeded, in_parameter;
		uint32_t in_redirects, in_echos, in_echo_replies;
		uint32_t out_messages, out_errors, out_unreachable, out_time_exceeded;
		uint32_t out_echos, out_echo_replies;
	} icmp;
	struct {
		uint32_t active_opens, passive_opens, failed_attempts, resets_of_established;
		uint32_t in_segments, out_segments, retransmitted, in_errors, out_resets;
	} tcp;
	struct {
		uint32_t in_datagrams, no_ports, in_errors, out_datagrams;
	} udp;
	struct {
		uint32_t in_receives, in_discards, in_header_errors;
		uint32_t in_unknown_protocols, out_requests, out_no_routes;
	} ip6;
	struct {
		uint32_t in_messages, in_errors, out_messages;
	} icmp6;
};

/* No lock: each number is right for itself. */
void stack_counters_read(const struct netns *netns, struct stack_counters *out);
