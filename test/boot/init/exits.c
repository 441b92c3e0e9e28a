/*
 * An init that ends with status 1, which no init may.
 */
#include <unistd.h>

int main(void)
{
	return 1;
}
