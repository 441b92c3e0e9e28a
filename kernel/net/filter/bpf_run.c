/*
 * Running classic BPF: an accumulator, an index register and 16 words of memory. See bpf.h.
 *
 * Programs are checked, so that nothing is tested here but what depends on the packet.
 */
#include <linux/netlink.h>

#include "lib/byteorder.h"
#include "lib/math.h"
#include "lib/string.h"
#include "net/filter/bpf.h"
#include "net/filter/payload.h"

struct bpf_machine {
	const struct bpf_packet *packet;
	uint32_t a, x;
	bool     is_over; /* a load has failed: the program ends with `result` */
	uint32_t result;
	uint32_t memory[BPF_MEMWORDS];
};

/* ---- loads -------------------------------------------------------------------------- */

/* size bytes from `at`, an offset from the packet's first byte. */
static bool bytes_get(const struct bpf_packet *packet, uint64_t at, void *out, uint32_t size)
{
	if (at + size > packet->size)
		return false;
	if (at + size <= packet->nr_head) {
		memcpy(out, packet->head + at, size);
		return true;
	}
	return packet->copy && packet->copy(packet, (uint32_t)at, out, size) == size;
}

/* Where an offset of the program's is; beyond the end if it is nowhere. */
static uint64_t place_of(const struct bpf_packet *packet, int32_t k)
{
	if (k >= 0)
		return (uint64_t)packet->data + (uint32_t)k;
	if (k >= SKF_NET_OFF && packet->network != BPF_NONE)
		return (uint64_t)packet->network + (uint32_t)(k - SKF_NET_OFF);
	if (k < SKF_NET_OFF && k >= SKF_LL_OFF && packet->link != BPF_NONE)
		return (uint64_t)packet->link + (uint32_t)(k - SKF_LL_OFF);
	return UINT32_MAX;
}

static uint32_t load(struct bpf_machine *machine, uint16_t size, int32_t k)
{
	uint8_t bytes[4] = { 0 };
	uint32_t nr = size == BPF_W ? 4 : size == BPF_H ? 2 : 1;

	if (!bytes_get(machine->packet, place_of(machine->packet, k), bytes, nr)) {
		machine->is_over = true;
		return 0;
	}
	if (nr == 1)
		return bytes[0];
	return nr == 2 ? (uint32_t)bytes[0] << 8 | bytes[1]
		       : (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
				 (uint32_t)bytes[2] << 8 | bytes[3];
}

/* ---- what belongs to a packet ------------------------------------------------------- */

/* Offset of the attribute of type `type` among those from `at` to `end`; 0: none. */
static uint32_t attribute_find(const struct bpf_packet *packet, uint64_t at, uint64_t end,
                               uint32_t type)
{
	struct nlattr header;

	while (at + sizeof(header) <= end && bytes_get(packet, at, &header, sizeof(header))) {
		if (header.nla_len < sizeof(header) || at + header.nla_len > end)
			return 0;
		if ((header.nla_type & NLA_TYPE_MASK) == type)
			return (uint32_t)(at - packet->data);
		at += NLA_ALIGN(header.nla_len);
	}
	return 0;
}

static uint32_t attribute_load(const struct bpf_machine *machine, bool is_nested)
{
	const struct bpf_packet *packet = machine->packet;
	uint64_t at = (uint64_t)packet->data + machine->a, end = packet->size;
	struct nlattr outer;

	if (!is_nested)
		return attribute_find(packet, at, end, machine->x);
	if (!bytes_get(packet, at, &outer, sizeof(outer)) || outer.nla_len < sizeof(outer) ||
	    at + outer.nla_len > end)
		return 0;
	return attribute_find(packet, at + sizeof(outer), at + outer.nla_len, machine->x);
}

/* Without an interface the program ends, as on Linux with what it has in its accumulator. */
static uint32_t of_device(struct bpf_machine *machine, uint32_t value)
{
	machine->is_over = !machine->packet->iface;
	machine->result = machine->a;
	return value;
}

static uint32_t ancillary_load(struct bpf_machine *machine, uint32_t what)
{
	const struct bpf_packet *packet = machine->packet;

	switch (what) {
	case SKF_AD_PROTOCOL:
		return packet->protocol;
	case SKF_AD_PKTTYPE:
		return packet->packet_type;
	case SKF_AD_IFINDEX:
		return of_device(machine, packet->iface);
	case SKF_AD_HATYPE:
		return of_device(machine, packet->hardware_type);
	case SKF_AD_NLATTR:
	case SKF_AD_NLATTR_NEST:
		return attribute_load(machine, what == SKF_AD_NLATTR_NEST);
	case SKF_AD_MARK:
		return packet->mark;
	case SKF_AD_QUEUE:
		return packet->queue;
	case SKF_AD_RXHASH:
		return packet->hash;
	case SKF_AD_CPU:
		return packet->cpu;
	case SKF_AD_ALU_XOR_X:
		return machine->a ^ machine->x;
	case SKF_AD_VLAN_TAG:
		return packet->vlan_tag;
	case SKF_AD_VLAN_TAG_PRESENT:
		return packet->has_vlan;
	case SKF_AD_VLAN_TPID:
		return packet->vlan_protocol;
	case SKF_AD_PAY_OFFSET:
		return payload_offset(packet);
	default:
		return bpf_random();
	}
}

static uint32_t absolute_load(struct bpf_machine *machine, const struct sock_filter *insn)
{
	if (insn->k >= (uint32_t)SKF_AD_OFF)
		return ancillary_load(machine, insn->k - (uint32_t)SKF_AD_OFF);
	return load(machine, BPF_SIZE(insn->code), (int32_t)insn->k);
}

/* ---- instructions ------------------------------------------------------------------- */

static void load_run(struct bpf_machine *machine, const struct sock_filter *insn)
{
	uint32_t value;

	switch (BPF_MODE(insn->code)) {
	case BPF_ABS:
		value = absolute_load(machine, insn);
		break;
	case BPF_IND:
		value = load(machine, BPF_SIZE(insn->code), (int32_t)(machine->x + insn->k));
		break;
	case BPF_LEN:
		value = machine->packet->size - machine->packet->data;
		break;
	case BPF_MEM:
		value = machine->memory[insn->k];
		break;
	case BPF_MSH:
		value = (load(machine, BPF_B, (int32_t)insn->k) & 0xf) * 4;
		break;
	default:
		value = insn->k;
		break;
	}
	if (BPF_CLASS(insn->code) == BPF_LD)
		machine->a = value;
	else
		machine->x = value;
}

static void alu_run(struct bpf_machine *machine, const struct sock_filter *insn)
{
	uint32_t a = machine->a, b = BPF_SRC(insn->code) == BPF_X ? machine->x : insn->k;

	switch (BPF_OP(insn->code)) {
	case BPF_ADD:
		a += b;
		break;
	case BPF_SUB:
		a -= b;
		break;
	case BPF_MUL:
		a *= b;
		break;
	case BPF_DIV:
		machine->is_over = !b;
		a = b ? a / b : 0;
		break;
	case BPF_MOD:
		machine->is_over = !b;
		a = b ? a % b : 0;
		break;
	case BPF_AND:
		a &= b;
		break;
	case BPF_OR:
		a |= b;
		break;
	case BPF_XOR:
		a ^= b;
		break;
	case BPF_LSH:
		a <<= b & 31;
		break;
	case BPF_RSH:
		a >>= b & 31;
		break;
	case BPF_NEG:
		a = -a;
		break;
	}
	machine->a = a;
}

/* Instructions to skip. */
static uint32_t jump_run(const struct bpf_machine *machine, const struct sock_filter *insn)
{
	uint32_t a = machine->a, b = BPF_SRC(insn->code) == BPF_X ? machine->x : insn->k;
	bool is_true = false;

	switch (BPF_OP(insn->code)) {
	case BPF_JA:
		return insn->k;
	case BPF_JEQ:
		is_true = a == b;
		break;
	case BPF_JGT:
		is_true = a > b;
		break;
	case BPF_JGE:
		is_true = a >= b;
		break;
	case BPF_JSET:
		is_true = a & b;
		break;
	}
	return is_true ? insn->jt : insn->jf;
}

uint32_t bpf_run(const struct sock_filter *insn, const struct bpf_packet *packet)
{
	struct bpf_machine machine; /* memory is written before it is read: bpf_check() */

	machine.packet = packet;
	machine.a = machine.x = machine.result = 0;
	machine.is_over = false;
	for (; !machine.is_over; insn++) {
		switch (BPF_CLASS(insn->code)) {
		case BPF_LD:
		case BPF_LDX:
			load_run(&machine, insn);
			break;
		case BPF_ST:
			machine.memory[insn->k] = machine.a;
			break;
		case BPF_STX:
			machine.memory[insn->k] = machine.x;
			break;
		case BPF_ALU:
			alu_run(&machine, insn);
			break;
		case BPF_JMP:
			insn += jump_run(&machine, insn);
			break;
		case BPF_RET:
			return BPF_RVAL(insn->code) == BPF_A ? machine.a : insn->k;
		default:
			if (BPF_MISCOP(insn->code) == BPF_TAX)
				machine.x = machine.a;
			else
				machine.a = machine.x;
			break;
		}
	}
	return machine.result;
}
