/*
 * Ports and device memory.
 *
 * mmio_map() gives the kernel's view of a physical range that is not RAM. The view lies at
 * MMIO_BASE + paddr, so mapping the same range again costs nothing and nothing is ever unmapped.
 */
#pragma once

#include "arch/layout.h"

enum mmio_kind { MMIO_UNCACHED, MMIO_WRITECOMBINE, MMIO_CACHED };

/*
 * Maps; may allocate page tables. -ENOMEM; -ERANGE past MMIO_SIZE. The first mapping of a page
 * decides its kind.
 */
__must_check int mmio_map(paddr_t paddr, size_t size, enum mmio_kind kind, volatile void **base);

/*
 * What orders a store to RAM before a later load from it, as devices in this machine see them, on
 * top of smp_mb(): NULL for nothing, as on all hardware. After cpu_init(); any context.
 */
typedef void (*device_fence_fn)(void);
device_fence_fn device_fence(void);

static inline void outb(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline void outw(uint16_t port, uint16_t value)
{
	__asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline void outl(uint16_t port, uint32_t value)
{
	__asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline uint8_t inb(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
	return value;
}

static inline uint16_t inw(uint16_t port)
{
	uint16_t value;

	__asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port) : "memory");
	return value;
}

static inline uint32_t inl(uint16_t port)
{
	uint32_t value;

	__asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port) : "memory");
	return value;
}

static inline uint8_t mmio_read8(const volatile void *address)
{
	return *(const volatile uint8_t *)address;
}

static inline uint16_t mmio_read16(const volatile void *address)
{
	return *(const volatile uint16_t *)address;
}

static inline uint32_t mmio_read32(const volatile void *address)
{
	return *(const volatile uint32_t *)address;
}

static inline uint64_t mmio_read64(const volatile void *address)
{
	return *(const volatile uint64_t *)address;
}

static inline void mmio_write8(volatile void *address, uint8_t value)
{
	*(volatile uint8_t *)address = value;
}

static inline void mmio_write16(volatile void *address, uint16_t value)
{
	*(volatile uint16_t *)address = value;
}

static inline void mmio_write32(volatile void *address, uint32_t value)
{
	*(volatile uint32_t *)address = value;
}

static inline void mmio_write64(volatile void *address, uint64_t value)
{
	*(volatile uint64_t *)address = value;
}
