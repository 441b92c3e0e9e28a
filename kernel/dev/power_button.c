/*
 * Power buttons. See dev/power_button.h.
 */
#include "dev/power_button.h"

#include "lib/atomic.h"

static void (*client)(void) __atomic;

void power_button_set_client(void (*pressed)(void))
{
	atomic_store_release(&client, pressed); /* pairs with power_button_report() */
}

void power_button_report(void)
{
	void (*pressed)(void) = atomic_load_acquire(&client);

	if (pressed)
		pressed();
}
