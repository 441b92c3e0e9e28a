/*
 * Arithmetic that is too long for a header.
 */
#include "lib/math.h"

/* Long division, bit by bit: 128-bit division would need libgcc. */
uint64_t mul_div(uint64_t a, uint64_t b, uint64_t c)
{
	unsigned __int128 product = (unsigned __int128)a * b;
	uint64_t high = (uint64_t)(product >> 64), low = (uint64_t)product;
	uint64_t quotient = 0;

	if (high == 0 && c)
		return low / c;
	if (high >= c)
		return UINT64_MAX;
	for (int bit = 63; bit >= 0; bit--) {
		bool carry = high >> 63;

		high = high << 1 | ((low >> bit) & 1);
		if (carry || high >= c) {
			high -= c;
			quotient |= BIT(bit);
		}
	}
	return quotient;
}
