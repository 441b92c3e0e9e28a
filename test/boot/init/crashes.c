/* An init that dies of a segmentation fault. */
int main(void)
{
	*(volatile int *)8 = 0;
	return 0;
}
