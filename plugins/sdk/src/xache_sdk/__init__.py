"""Write a trading strategy for XACHE."""
