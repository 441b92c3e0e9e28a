/*
 * Keyboards: who reports and who listens. See dev/keyboard.h.
 */
#include "dev/keyboard.h"

#include "lib/atomic.h"

static struct {
	struct keyboard              *keyboard __atomic;
	const struct keyboard_client *client __atomic;
} keyboards;

bool keyboard_register(struct keyboard *keyboard)
{
	if (atomic_load_acquire(&keyboards.keyboard))
		return false;
	atomic_store_release(&keyboards.keyboard, keyboard); /* pairs with keyboard_set_lights() */
	return true;
}

void keyboard_set_client(const struct keyboard_client *client)
{
	atomic_store_release(&keyboards.client, client); /* pairs with keyboard_report() */
}

void keyboard_report(uint16_t key, bool is_down)
{
	const struct keyboard_client *client = atomic_load_acquire(&keyboards.client);

	if (client)
		client->key(key, is_down);
}

void keyboard_set_lights(uint8_t lights)
{
	struct keyboard *keyboard = atomic_load_acquire(&keyboards.keyboard);

	if (keyboard)
		keyboard->set_lights(keyboard, lights);
}
